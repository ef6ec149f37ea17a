# programs and files: put into Program Files\NAME, and removed from there. For the scripts beside it.
function Get-Payload {
    Get-ChildItem -Path ".\programs", ".\files" -File -ErrorAction SilentlyContinue
}

function Install-Product {
    Assert-Home
    $fresh = New-Home
    Get-Payload | Copy-Item -Destination $fresh
    Set-Home $fresh
}

function Uninstall-Product {
    Remove-Home
}

function Assert-Product {
    foreach ($file in Get-Payload) {
        $there = Join-Path $HomeFolder $file.Name
        if (-not (Test-Path $there)) { Stop-Here "there is no $there. Install it again." }
        if ((Get-FileHash $there).Hash -ne (Get-FileHash $file.FullName).Hash) { Stop-Here "$there is not the package's. Install it again." }
    }
}
