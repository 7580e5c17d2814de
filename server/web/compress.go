package web

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compress packs answers of a kilobyte or more for clients that take gzip.
// Lengths give nothing away that a page of another site could ask for: it cannot
// make requests that carry the operator's cookie, and no answer repeats what was
// sent beside a secret. Sockets pass: they are no answers.
func compress(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(1))
	if err != nil {
		panic(err) // the options are constants
	}
	packed := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			packed.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
