# One look at this node's files and services, for csd package test: the lines of snapshot.sh, packed, on standard output.
$ErrorActionPreference = 'SilentlyContinue'
$since = @SINCE@
$start = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
$lines = New-Object System.Collections.Generic.List[string]
$roots = @($env:ProgramFiles, ${env:ProgramFiles(x86)}, $env:ProgramData, "$env:SystemRoot\System32\Tasks", "$env:SystemRoot\System32\drivers")
foreach ($root in $roots | Where-Object { $_ -and (Test-Path $_) }) {
  foreach ($item in Get-ChildItem -LiteralPath $root -Recurse -Force) {
    $path = $item.FullName.Replace('\', '/')
    if ($path -match '/Amazon/SSM(/|$)') { continue }
    $time = ([DateTimeOffset]$item.LastWriteTimeUtc).ToUnixTimeSeconds()
    if ($item.PSIsContainer) { $lines.Add("E 4000 0:0 0 0 0 0 $path"); continue }
    $lines.Add("E 8000 0:0 $($item.Length) $time $time 0 $path")
    if ($since -gt 0 -and $time -ge $since -and $item.Length -le @HASHED_MAX@) {
      $lines.Add("H $((Get-FileHash -LiteralPath $item.FullName -Algorithm SHA256).Hash.ToLower())  $path")
    }
  }
}
Get-Service | ForEach-Object { $lines.Add("S $($_.Name)") }
Get-LocalUser | ForEach-Object { $lines.Add("U $($_.Name)") }
Get-LocalGroup | ForEach-Object { $lines.Add("G $($_.Name)") }
$lines.Add('Z')
$packed = New-Object System.IO.MemoryStream
$gzip = New-Object System.IO.Compression.GZipStream($packed, [System.IO.Compression.CompressionMode]::Compress)
$bytes = [System.Text.Encoding]::UTF8.GetBytes(($lines -join "`n") + "`n")
$gzip.Write($bytes, 0, $bytes.Length); $gzip.Close()
"csd-snapshot 2 $start 0 1"
[Convert]::ToBase64String($packed.ToArray())
