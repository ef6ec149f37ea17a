# Removes the sensor with its own installer; doing it twice is no error. The host leaves the console by its retention policy.
. .\lib.ps1
trap { Stop-Here $_ }
Write-Output 'crowdstrike-falcon: uninstalling'
if (Get-Service -Name CSFalconService -ErrorAction SilentlyContinue) {
    Assert-RealInstaller .\WindowsSensor.exe
    $arguments = @('/uninstall', '/quiet')
    $token = Get-Secret $env:SSM_FALCON_MAINTENANCE_TOKEN $env:SSM_FALCON_MAINTENANCE_TOKEN_PARAMETER
    if ($token) { $arguments += "MAINTENANCE_TOKEN=$token" }
    Invoke-Installer .\WindowsSensor.exe $arguments
}
Write-Output 'crowdstrike-falcon: uninstalled'
exit 0
