package e

import (
	_ "embed"
	"testing"
)

//go:embed testdata/one.txt
var one string

func TestOwn(t *testing.T) {
	if one != "one" {
		t.Fatal(one)
	}
}
