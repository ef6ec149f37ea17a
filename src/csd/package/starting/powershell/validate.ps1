# Is this version there, with the SSM_ variables of this rollout? Asked after an install, and before "already installed" is believed:
# when it fails then, the agent installs again.
. .\lib.ps1
trap { Stop-Here $_ }
. .\product.ps1
Assert-Product
Assert-Record
Say "$Version is installed, with the SSM_ variables of this rollout"
exit 0
