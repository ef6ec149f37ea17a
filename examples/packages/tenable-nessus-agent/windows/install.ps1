# Installs the Nessus Agent and links it to your manager. The agent of Systems Manager runs it as: .\install.ps1.
. .\lib.ps1
trap { Stop-Here $_ }
. .\nessus.ps1
Write-Output "tenable-nessus-agent: installing $(Get-Content .\VERSION)"
Assert-RealInstaller .\NessusAgent-x64.msi
# Without NESSUS_KEY the installer links nothing: the key would stand in the log of Windows Installer.
Invoke-Installer msiexec.exe @('/i', 'NessusAgent-x64.msi', '/qn', '/norestart')
Connect-Manager
Write-Output 'tenable-nessus-agent: installed'
exit 0
