package six

import "embed"

//go:embed link
var Files embed.FS
