package five

import "embed"

//go:embed _x/* p.go
//go:embed all:nothing/*
var Files embed.FS
