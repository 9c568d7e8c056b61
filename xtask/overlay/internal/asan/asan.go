// Package asan says that there is no address sanitizer.
package asan

const Enabled = false
