package external_test

import (
	"testing"

	"example.com/cov/external"
)

func TestTwo(t *testing.T) {
	if external.Two() != 2 || testing.CoverMode() == "" || testing.Coverage() == 0 {
		t.Error("not counted")
	}
}

func TestFails(t *testing.T) { t.Error("as it should") }
