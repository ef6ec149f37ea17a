# In-place update: the new agent over the old one, which keeps its link and its identity.
. .\lib.ps1
trap { Stop-Here $_ }
. .\nessus.ps1
Write-Output "tenable-nessus-agent: updating to $(Get-Content .\VERSION)"
Assert-RealInstaller .\NessusAgent-x64.msi
Invoke-Installer msiexec.exe @('/i', 'NessusAgent-x64.msi', '/qn', '/norestart')
Connect-Manager
Write-Output 'tenable-nessus-agent: updated'
exit 0
