package media_test

import (
	"archive/zip"
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/media"
	"eventstream/server/template"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// noise is a picture that hardly compresses.
func noise(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(r.UintN(256))
	}
	return m
}

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, m))
	return out.Bytes()
}

func asJPEG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, m, &jpeg.Options{Quality: 100}))
	return out.Bytes()
}

func plain(w, h int) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	m.SetGray(0, 0, color.Gray{Y: 200})
	return m
}

func archive(t *testing.T, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	_, err := w.Create(name)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestFilesAreToldByWhatTheyHold(t *testing.T) {
	t.Parallel()
	s := media.NewService(media.Options{DB: dbtest.New(t), Log: slog.New(slog.DiscardHandler)})
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	for name, c := range map[string]struct {
		data []byte
		kind template.MediaKind // "": it is refused
		want string             // its name, or what is said
	}{
		`C:\Users\Ada\Sommer Angebot!.PNG`: {asPNG(t, plain(2, 2)), template.MediaImage, "Sommer Angebot!.png"},
		"photo.png":                        {asJPEG(t, plain(2, 3)), template.MediaImage, "photo.jpg"}, // by its content
		"price list.pdf":                   {[]byte("%PDF-1.7\n"), template.MediaDocument, "price list.pdf"},
		"letter":                           {archive(t, "word/document.xml"), template.MediaDocument, "letter.docx"},
		"slides.zip":                       {archive(t, "ppt/presentation.xml"), template.MediaDocument, "slides.pptx"},
		"clip.mp4":                         {[]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), template.MediaVideo, "clip.mp4"},
		"old.3gp":                          {[]byte("\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x003gp4"), template.MediaVideo, "old.3gp"},
		"../../etc/passwd.jpg":             {asJPEG(t, plain(3, 3)), template.MediaImage, "passwd.jpg"},
		"page.jpg":                         {[]byte("<html><script>alert(1)</script>"), "", "does not take this file (text/html)"},
		"movie.mov":                        {[]byte("\x00\x00\x00\x18ftypqt  \x00\x00\x00\x00"), "", "does not take this file"},
		"sticker.webp":                     {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), "", "does not take this file (image/webp)"},
		"archive.docx":                     {archive(t, "anything.txt"), "", "does not take this file (application/zip)"},
		"empty.jpg":                        {nil, "", "is empty"},
		"broken.png":                       {asPNG(t, plain(2, 2))[:20], "", "cannot be read"},
		"large.pdf":                        {append([]byte("%PDF-1.7\n"), make([]byte, media.MaxFile)...), "", "larger than 16 MB"},
	} {
		f, err := s.Upload(ctx, name, bytes.NewReader(c.data), false)
		if c.kind == "" {
			require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s: %v", name, err)
			require.ErrorContains(t, err, c.want, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.kind, f.Kind, name)
		require.Equal(t, c.want, f.Name)
	}
}

func TestImagesAreMadeToFitAndFoundUnderTheirTokenAlone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := media.NewService(media.Options{DB: d, Log: slog.New(slog.DiscardHandler)})
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	f, err := s.Upload(ctx, "A very long name of a picture.png", bytes.NewReader(asPNG(t, noise(1300, 1100))), false)
	require.NoError(t, err)
	require.LessOrEqual(t, f.Size, int64(media.MaxImage), "WhatsApp takes 5 MB of an image")
	require.Less(t, f.Width, 1300)
	require.InDelta(t, 1300.0/1100, float64(f.Width)/float64(f.Height), 0.01, "its form stays")

	again, err := s.Upload(ctx, "again.png", bytes.NewReader(asPNG(t, noise(1300, 1100))), false)
	require.NoError(t, err)
	require.Equal(t, f.ID, again.ID, "what is there is not kept twice")

	require.Regexp(t, `^/media/[A-Z2-7]{26}/[a-z-]+\.png$`, f.Path())
	require.LessOrEqual(t, len(f.Path()[strings.LastIndex(f.Path(), "/")+1:]), 20, "WhatsApp shows 20 characters of a name")
	for range 2 { // from Postgres, then from memory
		got, data, err := s.Open(ctx, f.Token)
		require.NoError(t, err)
		require.Equal(t, "image/png", got.ContentType)
		body, err := io.ReadAll(data)
		require.NoError(t, err)
		require.Len(t, body, int(f.Size))
	}
	_, _, err = s.Open(ctx, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	require.True(t, apperr.Is(err, apperr.CodeNotFound))
	page, err := s.List(ctx, media.Filter{Search: "LONG"}, db.Page{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.NoError(t, s.Delete(ctx, f.ID))
	_, _, err = s.Open(ctx, f.Token)
	require.True(t, apperr.Is(err, apperr.CodeNotFound), "neither from memory")
	_, err = s.ByID(ctx, f.ID)
	require.True(t, apperr.Is(err, apperr.CodeNotFound))
	viewer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, Role: actor.RoleViewer})
	_, err = s.Upload(viewer, "a.png", bytes.NewReader(asPNG(t, plain(1, 1))), false)
	require.True(t, apperr.Is(err, apperr.CodeForbidden))
}

// TestAPicturesOwnTurnIsKept: a phone's portrait that is made smaller does not lie on its side.
func TestAPicturesOwnTurnIsKept(t *testing.T) {
	t.Parallel()
	s := media.NewService(media.Options{DB: dbtest.New(t), Log: slog.New(slog.DiscardHandler)})
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	// 4,200 by 30, the left half white: turned by 90 degrees to the right, its upper half is white.
	wide := image.NewGray(image.Rect(0, 0, 4200, 30))
	for y := range 30 {
		for x := range 2100 {
			wide.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	plainJPEG := asJPEG(t, wide)
	f, err := s.Upload(ctx, "portrait.jpg", bytes.NewReader(append(append(append([]byte{}, plainJPEG[:2]...), exif...), plainJPEG[2:]...)), false)
	require.NoError(t, err)
	require.Less(t, f.Width, f.Height)
	_, data, err := s.Open(ctx, f.Token)
	require.NoError(t, err)
	m, _, err := image.Decode(data)
	require.NoError(t, err)
	at := func(y int) uint32 { r, _, _, _ := m.At(f.Width/2, y).RGBA(); return r >> 8 }
	require.Greater(t, at(f.Height/4), uint32(200), "the upper half is white")
	require.Less(t, at(3*f.Height/4), uint32(50))
}

// TestAFileOfAReplyThatWaitsStays: Twilio is yet to fetch it.
func TestAFileOfAReplyThatWaitsStays(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := media.NewService(media.Options{DB: d, Log: slog.New(slog.DiscardHandler)})
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	f, err := s.Upload(ctx, "shoes.png", bytes.NewReader(asPNG(t, plain(2, 2))), true)
	require.NoError(t, err)
	exec := func(query string, args ...any) {
		t.Helper()
		_, err := d.NewRaw(query, args...).Exec(ctx)
		require.NoError(t, err)
	}
	exec("INSERT INTO messages (direction, purpose, contact_id, status) VALUES ('outbound', 'reply', 1, 'pending')")
	require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return media.Shown(ctx, tx, f.ID, 1)
	}))
	err = s.Delete(ctx, f.ID)
	require.True(t, apperr.Is(err, apperr.CodeConflict), "%v", err)
	require.ErrorContains(t, err, "a reply with this file is on its way")
	exec("UPDATE messages SET status = 'delivered'")
	require.NoError(t, s.Delete(ctx, f.ID))
}
