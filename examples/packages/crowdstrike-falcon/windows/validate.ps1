# Does the sensor run, is it the wanted version, and does it have an agent ID? Asked after an install, and before "already installed".
. .\lib.ps1
trap { Stop-Here $_ }
$wanted = ("$(Get-Content .\VERSION)".Trim() -split '-')[0]
$installed = Get-Installed 'CrowdStrike Windows Sensor'
if (-not $installed) { Stop-Here 'the sensor is not installed' }
if (-not ($installed.DisplayVersion -like ($wanted.Substring(0, $wanted.LastIndexOf('.')) + '.*'))) {
    Stop-Here "version $($installed.DisplayVersion) is here; wanted $wanted"
}
Assert-Service CSFalconService
$id = (Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Services\CSAgent\Sim' -ErrorAction SilentlyContinue).AG
if (-not $id) { Stop-Here "the sensor has no agent ID: it has not reached CrowdStrike's cloud" }
Write-Output "crowdstrike-falcon: $($installed.DisplayVersion) runs and has an agent ID"
exit 0
