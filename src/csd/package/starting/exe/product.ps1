# installer.exe: how it is installed, removed and asked for. For the scripts beside it.
# How an .exe is silent is its vendor's choice, so nothing is guessed here: nothing is installed until the three lines are FILLED IN.
$InstallArguments = $null    # FILL IN: the vendor's switches for an install without questions or a restart, as @('...', '...')
$UninstallArguments = $null  # FILL IN: the same for its uninstaller; @() where QuietUninstallString needs none
$DisplayName = $null         # FILL IN: what Windows calls it in its list of programs, as '...'

function Test-FilledIn {
    ($null -ne $InstallArguments) -and ($null -ne $UninstallArguments) -and ($null -ne $DisplayName)
}

function Assert-FilledIn {
    if (-not (Test-FilledIn)) { Stop-Here 'product.ps1 is not filled in. Fill in the three lines that say FILL IN, and build the package again.' }
}

function Install-Product {
    Assert-FilledIn
    Invoke-Installer '.\installer.exe' $InstallArguments
}

function Uninstall-Product {
    if (-not (Test-FilledIn)) { Say 'product.ps1 is not filled in, so this package never installed anything'; return }
    $installed = Find-Installed { $_.DisplayName -eq $DisplayName }
    if (-not $installed) { return }
    $command = if ($installed.QuietUninstallString) { $installed.QuietUninstallString } else { $installed.UninstallString }
    if ("$command" -notmatch '^\s*(?:"([^"]+)"|(\S+\.exe))\s*(.*)$') {
        Stop-Here "Windows knows no uninstaller of $DisplayName. Write the vendor's command into Uninstall-Product of product.ps1."
    }
    $program, $switches = ("$($Matches[1])$($Matches[2])"), $Matches[3]
    Invoke-Installer $program (@(@($switches) + $UninstallArguments | Where-Object { $_ }))
    if (Find-Installed { $_.DisplayName -eq $DisplayName }) {
        Stop-Here "$DisplayName is still listed after its uninstaller ran. Correct `$UninstallArguments in product.ps1."
    }
}

# The product's version is the package's, or begins with it.
function Assert-Product {
    Assert-FilledIn
    $installed = Find-Installed { $_.DisplayName -eq $DisplayName }
    if (-not $installed) { Stop-Here "$DisplayName is not installed. Install it again." }
    if (-not "$($installed.DisplayVersion).".StartsWith("$Version.")) {
        Stop-Here "version $($installed.DisplayVersion) is installed; this package is $Version. Install it again."
    }
}
