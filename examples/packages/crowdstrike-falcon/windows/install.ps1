# Installs the Falcon sensor, bound to your CID. The agent runs it as: .\install.ps1, in the unpacked package.
. .\lib.ps1
trap { Stop-Here $_ }
Write-Output "crowdstrike-falcon: installing $(Get-Content .\VERSION)"
Assert-RealInstaller .\WindowsSensor.exe
$cid = Get-Secret $env:SSM_FALCON_CID $env:SSM_FALCON_CID_PARAMETER
if (-not $cid) { Stop-Here 'no CID was given; set SSM_FALCON_CID_PARAMETER, or SSM_FALCON_CID' }
$arguments = @('/install', '/quiet', '/norestart', "CID=$cid")
$token = Get-Secret $env:SSM_FALCON_PROVISIONING_TOKEN $env:SSM_FALCON_PROVISIONING_TOKEN_PARAMETER
if ($token) { $arguments += "ProvToken=$token" }
if ($env:SSM_FALCON_TAGS) { $arguments += "GROUPING_TAGS=`"$env:SSM_FALCON_TAGS`"" }
if ($env:SSM_FALCON_PROXY_HOST) {
    $port = if ($env:SSM_FALCON_PROXY_PORT) { $env:SSM_FALCON_PROXY_PORT } else { '8080' }
    $arguments += "APP_PROXYNAME=$env:SSM_FALCON_PROXY_HOST", "APP_PROXYPORT=$port"
}
Invoke-Installer .\WindowsSensor.exe $arguments
Write-Output 'crowdstrike-falcon: installed'
exit 0
