package four

import "embed"

//go:embed "[" p.go
var Files embed.FS
