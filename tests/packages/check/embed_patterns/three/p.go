package three

import "embed"

//go:embed inside/deep/a
var Files embed.FS
