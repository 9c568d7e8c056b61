package none

import "embed"

//go:embed p.go nothing.txt
var Files embed.FS
