# Installs the CloudWatch agent and gives it its configuration. The agent of Systems Manager runs it as: .\install.ps1.
. .\lib.ps1
trap { Stop-Here $_ }
. .\cloudwatch.ps1
Write-Output "cloudwatch-agent: installing $(Get-Content .\VERSION)"
Assert-RealInstaller .\amazon-cloudwatch-agent.msi
Invoke-Installer msiexec.exe @('/i', 'amazon-cloudwatch-agent.msi', '/qn', '/norestart')
Set-Configuration
Write-Output 'cloudwatch-agent: installed'
exit 0
