# For the scripts beside it: words, running installers, and the record of what was installed with which SSM_ variables.
$ErrorActionPreference = 'Stop'
$Name = "$(Get-Content .\NAME)".Trim()
$Version = "$(Get-Content .\VERSION)".Trim()
$HomeFolder = Join-Path $env:ProgramFiles $Name
$Records = Join-Path $env:ProgramData 'csd-packages'
$Record = Join-Path $Records $Name

function Say([string] $what) {
    Write-Output "${Name}: $what"
}

# Stop-Here WHAT. NEXT STEP.
function Stop-Here([string] $why) {
    [Console]::Error.WriteLine("error: ${Name}: $why")
    exit 1
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

# What Windows lists of an installed program: the first for which the question is true.
function Find-Installed([scriptblock] $question) {
    $keys = 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Uninstall\*', 'HKLM:\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*'
    Get-ItemProperty $keys -ErrorAction SilentlyContinue | Where-Object $question | Select-Object -First 1
}

# A digest of every SSM_ variable of this rollout, so that their values stand nowhere. SSM_COMMAND_ID is the agent's own, new each time.
function Get-Settings {
    $given = Get-ChildItem Env: | Where-Object { $_.Name -like 'SSM_*' -and $_.Name -ne 'SSM_COMMAND_ID' } | Sort-Object Name
    $text = ($given | ForEach-Object { "$($_.Name)=$($_.Value)" }) -join "`n"
    $sha256 = [Security.Cryptography.SHA256]::Create()
    [BitConverter]::ToString($sha256.ComputeHash([Text.Encoding]::UTF8.GetBytes($text)))
}

# The record can be read by SYSTEM and administrators only.
function Write-Record {
    New-Item -ItemType Directory -Force $Records | Out-Null
    & icacls.exe $Records /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { Stop-Here "$Records could not be closed to other users; icacls ended with $LASTEXITCODE. See who owns it." }
    Set-Content -Path $Record -Value $Version, (Get-Settings)
}

function Assert-Record {
    if (-not (Test-Path $Record)) { Stop-Here "no finished install is recorded in $Record. Install it again." }
    $was, $settings = Get-Content $Record
    if ($was -ne $Version) { Stop-Here "version $was was installed; this package is $Version. Install it again." }
    if ($settings -ne (Get-Settings)) {
        Stop-Here 'the SSM_ variables are not those that it was installed with. It has to be installed again with the new ones.'
    }
}

function Remove-Record {
    if (Test-Path $Record) { Remove-Item $Record }
    if ((Test-Path $Records) -and -not (Get-ChildItem $Records -Force)) { Remove-Item $Records }
}

# Refuses a folder in Program Files that another program made.
function Assert-Home {
    if ((Test-Path $HomeFolder) -and -not (Test-Path (Join-Path $HomeFolder '.csd-package'))) {
        Stop-Here "$HomeFolder is there, and this package did not make it. Move it away first."
    }
}

# The files of a folder become the home, in the place of an older one.
function Set-Home([string] $from) {
    New-Item -ItemType File -Force (Join-Path $from '.csd-package') | Out-Null
    if (Test-Path $HomeFolder) { Remove-Item -Recurse -Force $HomeFolder }
    Move-Item $from $HomeFolder
}

function Remove-Home {
    if (Test-Path (Join-Path $HomeFolder '.csd-package')) { Remove-Item -Recurse -Force $HomeFolder }
}

# An empty folder beside the home.
function New-Home {
    $fresh = "$HomeFolder.new"
    if (Test-Path $fresh) { Remove-Item -Recurse -Force $fresh }
    New-Item -ItemType Directory $fresh | Out-Null
    $fresh
}
