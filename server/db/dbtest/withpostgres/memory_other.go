//go:build !linux

package main

import "os"

var memory = os.TempDir() // no directory is known to lie in memory

func room(string) int64 { return 0 }
