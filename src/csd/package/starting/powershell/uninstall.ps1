# Removes the product; removing what is not there is no error.
. .\lib.ps1
trap { Stop-Here $_ }
. .\product.ps1
. .\configure.ps1
Say 'uninstalling'
Clear-Configuration
Uninstall-Product
Remove-Record
Say 'uninstalled'
exit 0
