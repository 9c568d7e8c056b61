// Package sub embeds a file of its own folder.
package sub

import _ "embed"

//go:embed data/d.bin
var Data []byte

var Length = len(Data)
