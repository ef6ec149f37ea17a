# installer.msi: how it is installed, removed and asked for. For the scripts beside it.
# Add what the vendor documents (SERVER=...) to $Properties: "SERVER=$env:SSM_SERVER", in quotes of its own where it may have blanks.
# No secret: every user of the machine can read a command line. See configure.ps1.
$Properties = @()

# What the .msi's own table of properties says.
function Get-MsiProperty([string] $property) {
    $call = { param($object, $kind, $member, $given) $object.GetType().InvokeMember($member, $kind, $null, $object, $given) }
    $installer = New-Object -ComObject WindowsInstaller.Installer
    $database = & $call $installer 'InvokeMethod' 'OpenDatabase' @((Resolve-Path .\installer.msi).Path, 0)
    $view = & $call $database 'InvokeMethod' 'OpenView' @("SELECT Value FROM Property WHERE Property = '$property'")
    & $call $view 'InvokeMethod' 'Execute' $null | Out-Null
    $row = & $call $view 'InvokeMethod' 'Fetch' $null
    & $call $row 'GetProperty' 'StringData' @(1)
    & $call $view 'InvokeMethod' 'Close' $null | Out-Null
}

function Install-Product {
    Invoke-Installer 'msiexec.exe' (@('/i', 'installer.msi', '/qn', '/norestart') + $Properties)
}

# 1605: no such product is installed.
function Uninstall-Product {
    Invoke-Installer 'msiexec.exe' @('/x', 'installer.msi', '/qn', '/norestart') @(0, 1605, 3010)
}

function Assert-Product {
    $code, $wanted = (Get-MsiProperty 'ProductCode'), (Get-MsiProperty 'ProductVersion')
    $installed = Find-Installed { $_.PSChildName -eq $code }
    if (-not $installed) { Stop-Here "the product of installer.msi ($code) is not installed. Install it again." }
    if ("$($installed.DisplayVersion)" -ne $wanted) {
        Stop-Here "version $($installed.DisplayVersion) is installed; installer.msi is $wanted. Install it again."
    }
}
