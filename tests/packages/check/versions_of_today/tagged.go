//go:build go1.21

package main

func tagged() {
	for range 3 {
	}
	for range func(yield func() bool) {} {
	}
}
