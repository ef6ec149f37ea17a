# For the scripts beside it: reads secrets without showing them, runs installers, and refuses the stand-ins.
$ErrorActionPreference = 'Stop'

function Say([string] $what) {
    Write-Output $what
}

function Stop-Here([string] $why) {
    [Console]::Error.WriteLine("error: $why")
    exit 1
}

# The value, else what Parameter Store has under that name; nothing without both.
function Get-Secret([string] $value, [string] $parameter) {
    if ($value) { return $value }
    if (-not $parameter) { return '' }
    try {
        if (Get-Command Get-SSMParameter -ErrorAction SilentlyContinue) {
            return (Get-SSMParameter -Name $parameter -WithDecryption $true -Region $env:BWS_REGION).Value
        }
        $found = aws ssm get-parameter --name $parameter --with-decryption --query Parameter.Value --output text --region $env:BWS_REGION
        if ($LASTEXITCODE -eq 0) { return $found }
    } catch {
        Stop-Here "the parameter $parameter could not be read: $($_.Exception.Message)"
    }
    Stop-Here "the parameter $parameter could not be read; the node's role needs ssm:GetParameter on it, and kms:Decrypt on its key"
}

# Runs an installer to its end, without showing what it was given. 3010 is a success, and a restart is due: said, never made.
# Windows Installer does one thing at a time: 1618 means that another is at work, which is waited for, ten minutes at most.
function Invoke-Installer([string] $program, [string[]] $arguments, [int[]] $good = @(0, 3010)) {
    $until = (Get-Date).AddMinutes(10)
    while ($true) {
        $given = @{ FilePath = $program; Wait = $true; PassThru = $true }
        if ($arguments) { $given.ArgumentList = $arguments }
        $code = (Start-Process @given).ExitCode
        if ($code -ne 1618 -or (Get-Date) -ge $until) { break }
        Say 'waiting for another installation to end; trying again in 10 seconds'
        Start-Sleep -Seconds 10
    }
    if ($good -notcontains $code) { Stop-Here "$program ended with $code. Look the number up in the vendor's documentation." }
    if ($code -eq 3010) { Say 'it is done, and a restart of this machine is due; none is made here' }
}

# Runs a vendor's control tool: gives the lines that it prints, and leaves its exit code in $LASTEXITCODE.
function Invoke-Tool([string] $program, [string[]] $arguments) {
    $ErrorActionPreference = 'Continue'  # Windows PowerShell takes what a program writes on standard error for an error of its own
    & $program @arguments 2>&1 | ForEach-Object { "$_" }
}

function Assert-RealInstaller([string] $file) {
    if (-not (Test-Path $file)) { Stop-Here "this package has no $file; README.md says where the vendor has it" }
    if ((Get-Item $file).Length -lt 64KB) { Stop-Here "$file is the stand-in of the recipe; put the vendor's file in its place" }
}

# What Windows knows of an installed program by its name.
function Get-Installed([string] $name) {
    $keys = 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Uninstall\*', 'HKLM:\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*'
    Get-ItemProperty $keys -ErrorAction SilentlyContinue | Where-Object { $_.DisplayName -like $name } | Select-Object -First 1
}

function Assert-Service([string] $name) {
    $service = Get-Service -Name $name -ErrorAction SilentlyContinue
    if (-not $service) { Stop-Here "there is no service $name" }
    if ($service.Status -ne 'Running') { Stop-Here "the service $name is $($service.Status)" }
}
