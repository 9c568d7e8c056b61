package e_test

import (
	"embed"
	"testing"
)

//go:embed testdata x_test.go
var files embed.FS

func TestExternal(t *testing.T) {
	for _, name := range []string{"testdata/one.txt", "x_test.go"} {
		data, err := files.ReadFile(name)
		if err != nil || len(data) == 0 {
			t.Error(name, err)
		}
	}
}
