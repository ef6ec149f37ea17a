# Installs the product, over itself too. The agent of Systems Manager runs it as: .\install.ps1.
. .\lib.ps1
trap { Stop-Here $_ }
. .\product.ps1
. .\configure.ps1
Say "installing $Version"
Remove-Record
Install-Product
Set-Configuration
Write-Record
Say "installed $Version"
exit 0
