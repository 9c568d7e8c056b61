// Package msan says that there is no memory sanitizer.
package msan

const Enabled = false
