# In-place update: the new sensor over the old one, which keeps its CID, its tags and its agent ID.
. .\lib.ps1
trap { Stop-Here $_ }
Write-Output "crowdstrike-falcon: updating to $(Get-Content .\VERSION)"
Assert-RealInstaller .\WindowsSensor.exe
$arguments = @('/install', '/quiet', '/norestart')
$token = Get-Secret $env:SSM_FALCON_MAINTENANCE_TOKEN $env:SSM_FALCON_MAINTENANCE_TOKEN_PARAMETER
if ($token) { $arguments += "MAINTENANCE_TOKEN=$token" }
Invoke-Installer .\WindowsSensor.exe $arguments
Write-Output 'crowdstrike-falcon: updated'
exit 0
