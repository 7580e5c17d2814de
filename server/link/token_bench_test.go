package link

import "testing"

// BenchmarkToken is what a tracked button adds to the sending of a message.
func BenchmarkToken(b *testing.B) {
	l := &Link{ID: 12_345, Tag: 7, signer: &Signer{make([]byte, 32)}}
	for i := range b.N {
		_ = l.Token(int64(i))
	}
}
