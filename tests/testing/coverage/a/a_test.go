package a

import "testing"

func TestSign(t *testing.T) {
	for _, n := range []int{-1, 0, 5} {
		Sign(n)
	}
}
