# Is it really here? The agent asks after an install, and before it believes "already installed".
$wanted = (Get-Content -Path .\VERSION).Trim()
$found = Get-Content -Path (Join-Path $env:ProgramFiles 'csd-hello\VERSION') -ErrorAction SilentlyContinue
if ("$found".Trim() -ne $wanted) {
    [Console]::Error.WriteLine("csd-hello: expected $wanted, found $found")
    exit 1
}
Write-Output "csd-hello: $wanted is here"
