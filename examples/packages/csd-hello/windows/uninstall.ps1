# Takes everything away that install.ps1 put here; doing it twice is no error.
$ErrorActionPreference = 'Stop'
$home_ = Join-Path $env:ProgramFiles 'csd-hello'
Write-Output 'csd-hello: uninstalling'
if (Test-Path $home_) { Remove-Item -Recurse -Force -Path $home_ }
Write-Output 'csd-hello: uninstalled'
