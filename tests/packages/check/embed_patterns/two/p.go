package two

import "embed"

//go:embed /file.txt
var Files embed.FS
