# In-place update: the new payload over the old one.
$ErrorActionPreference = 'Stop'
$version = (Get-Content -Path .\VERSION).Trim()
$home_ = Join-Path $env:ProgramFiles 'csd-hello'
Write-Output "csd-hello: updating $version on $env:BWS_PLATFORM_NAME"
$fail = Join-Path $env:ProgramData 'csd-hello-fail'
if (Test-Path $fail) {
    [Console]::Error.WriteLine((Get-Content -Raw -Path $fail))
    exit 17
}
New-Item -ItemType Directory -Force -Path $home_ | Out-Null
Copy-Item -Force -Path .\VERSION -Destination $home_
$greeting = if ($env:SSM_GREETING) { $env:SSM_GREETING } else { 'hello' }
Set-Content -Path (Join-Path $home_ 'csd-hello.conf') -Value "greeting=$greeting"
Write-Output "csd-hello: updated to $version"
