package media

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
	"eventstream/server/template"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/draw"
)

const (
	maxPixels = 25_000_000 // of an image
	maxSide   = 4096       // pixels
)

// types are the files that WhatsApp takes in templates, by what they are, with the ending of their names.
var types = map[string]struct {
	kind template.MediaKind
	ext  string
	name string // in words
}{
	"image/jpeg":         {template.MediaImage, ".jpg", "a JPEG image"},
	"image/png":          {template.MediaImage, ".png", "a PNG image"},
	"video/mp4":          {template.MediaVideo, ".mp4", "an MP4 video"},
	"video/3gpp":         {template.MediaVideo, ".3gp", "a 3GP video"},
	"application/pdf":    {template.MediaDocument, ".pdf", "a PDF document"},
	"application/msword": {template.MediaDocument, ".doc", "a Word document"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {template.MediaDocument, ".docx", "a Word document"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {template.MediaDocument, ".pptx", "a presentation"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {template.MediaDocument, ".xlsx", "a workbook"},
}

const taken = "JPEG and PNG images, MP4 and 3GP videos, PDF, Word (doc, docx), PowerPoint (pptx) and Excel (xlsx)"

// read looks at a file and gives what is kept of it: an image that is too large is made smaller.
func read(name string, data []byte) (*File, []byte, error) {
	bad := func(format say.Format, args ...any) error { return apperr.Invalid("file", format, args...) }
	if len(data) == 0 {
		return nil, nil, bad("the file is empty")
	}
	contentType, _, _ := strings.Cut(mimetype.Detect(data).String(), ";") // by its content: its name tells nothing
	known, ok := types[contentType]
	if !ok {
		return nil, nil, bad("WhatsApp does not take this file (%s): it takes %s", contentType, taken)
	}
	f := &File{Name: nameOf(name, known.ext), Kind: known.kind, ContentType: contentType}
	if f.Kind == template.MediaImage {
		var err error
		if data, err = f.fit(data); err != nil {
			return nil, nil, err
		}
	}
	if len(data) > MaxFile {
		return nil, nil, bad("the file is larger than %d MB, the most that WhatsApp takes", MaxFile>>20)
	}
	f.Size = int64(len(data))
	return f, data, nil
}

// nameOf is what people call the file, with the ending of what it is.
func nameOf(name, ext string) string {
	name = strings.TrimSpace(contact.CleanText(path.Base(strings.ReplaceAll(name, `\`, "/"))))
	name = strings.TrimSuffix(name, path.Ext(name))
	if name == "" || name == "." || name == "/" {
		name = "file"
	}
	if utf8.RuneCountInString(name) > 80 {
		name = string([]rune(name)[:80])
	}
	return name + ext
}

// scaling lets one image at a time be made smaller.
var scaling sync.Mutex

// fit keeps an image, or makes it smaller where WhatsApp would not take it.
func (f *File) fit(data []byte) ([]byte, error) {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, apperr.Invalid("file", "the image cannot be read: it seems to be broken")
	}
	f.Width, f.Height = size.Width, size.Height
	if size.Width < 1 || size.Height < 1 || size.Width > math.MaxInt32/size.Height || size.Width*size.Height > maxPixels {
		return nil, apperr.Invalid("file", "the image has %d × %d pixels, at most %d million are taken", size.Width, size.Height,
			maxPixels/1_000_000)
	}
	scale := 1.0
	if longest := max(size.Width, size.Height); longest > maxSide {
		scale = float64(maxSide) / float64(longest)
	}
	if scale == 1 && len(data) <= MaxImage {
		return data, nil
	}
	scaling.Lock() // an image takes a hundred times the memory of its file
	defer scaling.Unlock()
	turn := 1
	if f.ContentType == "image/jpeg" {
		turn = orientation(data) // what is written anew has no EXIF
	}
	original, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, apperr.Invalid("file", "the image cannot be read: it seems to be broken")
	}
	for range 8 {
		smaller, err := f.scaled(original, scale, turn)
		if err != nil {
			return nil, err
		}
		if len(smaller) <= MaxImage {
			return smaller, nil
		}
		scale *= 0.7
	}
	return nil, errors.New("an image stays too large however small it is made")
}

func (f *File) scaled(original image.Image, scale float64, turn int) ([]byte, error) {
	from := original.Bounds()
	size := image.Rect(0, 0, max(1, int(float64(from.Dx())*scale)), max(1, int(float64(from.Dy())*scale)))
	to := image.NewRGBA(size)
	draw.ApproxBiLinear.Scale(to, size, original, from, draw.Src, nil)
	to = turned(to, turn)
	f.Width, f.Height = to.Bounds().Dx(), to.Bounds().Dy()
	var out bytes.Buffer
	var err error
	if f.ContentType == "image/png" {
		err = png.Encode(&out, to)
	} else {
		err = jpeg.Encode(&out, to, &jpeg.Options{Quality: 88})
	}
	return out.Bytes(), err
}
