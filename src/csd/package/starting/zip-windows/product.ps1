# installer.zip: unpacked to Program Files\NAME, and removed from there. For the scripts beside it.
function Install-Product {
    Assert-Home
    $fresh = New-Home
    Expand-Archive -Path .\installer.zip -DestinationPath $fresh -Force
    $top = @(Get-ChildItem $fresh -Force)
    # A single folder in it is the home.
    if ($top.Count -eq 1 -and $top[0].PSIsContainer) {
        Set-Home $top[0].FullName
        Remove-Item -Recurse -Force $fresh
    } else {
        Set-Home $fresh
    }
}

function Uninstall-Product {
    Remove-Home
}

function Assert-Product {
    if (-not (Test-Path (Join-Path $HomeFolder '.csd-package'))) { Stop-Here "there is no $HomeFolder. Install it again." }
}
