# In-place update: the new product over the old one, without an uninstall in between.
. .\lib.ps1
trap { Stop-Here $_ }
. .\product.ps1
. .\configure.ps1
Say "updating to $Version"
Remove-Record
Install-Product
Set-Configuration
Write-Record
Say "updated to $Version"
exit 0
