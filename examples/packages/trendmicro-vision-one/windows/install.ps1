# Installs Trend Micro's agent and activates it. The agent of Systems Manager runs it as: .\install.ps1.
. .\lib.ps1
trap { Stop-Here $_ }
. .\trend.ps1
Write-Output "trendmicro-vision-one: installing $(Get-Content .\VERSION)"
Assert-RealInstaller .\agent.msi
Invoke-Installer msiexec.exe @('/i', 'agent.msi', 'ADDLOCAL=ALL', '/qn', '/norestart')
Start-Sleep -Seconds 15  # dsa_control takes words only once the agent answers
Enable-Agent
Write-Output 'trendmicro-vision-one: installed'
exit 0
