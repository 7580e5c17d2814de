// Package media is the library of files that templates show: pictures, videos and documents. WhatsApp fetches each under an
// address that nobody guesses. A file never changes; another one has another address.
package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/say"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// What WhatsApp takes, by Twilio (whatsapp/guidance-whatsapp-media-messages), and what this library keeps.
const (
	MaxFile    = 16 << 20 // bytes of a video or document
	MaxImage   = 5 << 20  // bytes of an image; a larger one is made smaller
	maxFiles   = 1000
	maxLibrary = 4 << 30 // bytes in all
)

// File describes one.
type File struct {
	bun.BaseModel `bun:"table:media,alias:f"`

	ID          int64              `bun:",pk,autoincrement"`
	Token       string             //
	Name        string             // as people know it
	Kind        template.MediaKind //
	ContentType string             //
	Size        int64              // bytes
	Width       int                // pixels, of an image
	Height      int                //
	SHA256      []byte             `bun:"sha256"`
	OperatorID  *int64             //
	CreatedAt   time.Time          `bun:",nullzero"`
	DeletedAt   *time.Time         //
	ForReplies  bool               // taken in for replies alone: it is not offered to others, and goes when none shows it
	InBucket    bool               // there may be an object of it in the bucket; it is served from there where Postgres has none
}

// Path is where this server gives the file out.
func (f *File) Path() string { return template.LibraryPath + f.Token + "/" + f.FileName() }

// FileName is short and plain: WhatsApp shows at most 20 characters, and takes no spaces or signs.
func (f *File) FileName() string {
	ext := strings.ToLower(path.Ext(f.Name))
	plain := strings.Trim(strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '-'
	}, strings.TrimSuffix(f.Name, path.Ext(f.Name))), "-")
	if most := 20 - len(ext); len(plain) > most {
		plain = strings.Trim(plain[:most], "-")
	}
	if plain == "" {
		plain = "file"
	}
	return plain + ext
}

// Service keeps the library.
type Service struct {
	db     *db.DB
	cache  *cache
	bucket Bucket // nil: there is none
	store  bool   // new files go there
	log    *slog.Logger
	probe  probe
}

// Options say where files lie.
type Options struct {
	DB       *db.DB
	Bucket   Bucket // nil: none; files that lie in one cannot be served then
	ToBucket bool   // new files go into it, rather than into Postgres
	Log      *slog.Logger
}

// NewService makes the service.
func NewService(o Options) *Service {
	return &Service{db: o.DB, cache: newCache(), bucket: o.Bucket, store: o.Bucket != nil && o.ToBucket, log: o.Log}
}

// Upload takes a file in, for a reply alone or into the library. One that is there already is given back as it is.
func (s *Service) Upload(ctx context.Context, name string, r io.Reader, forReply bool) (*File, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxFile*2+1))
	if err != nil {
		return nil, err
	}
	f, data, err := read(name, data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	f.SHA256, f.Token, f.OperatorID, f.ForReplies = sum[:], rand.Text(), actor.OperatorID(ctx), forReply
	if s.store {
		return s.intoBucket(ctx, f, data)
	}
	var same *File
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if same, err = admit(ctx, tx, f); err != nil || same != nil {
			return err
		}
		if err := insert(ctx, tx, f); err != nil {
			return err
		}
		if err := insertData(ctx, tx, f.ID, data); err != nil {
			return err
		}
		return recordUpload(ctx, tx, f)
	})
	if err == nil && same != nil {
		return same, s.putBack(ctx, same, data)
	}
	return f, err
}

// admit lets one transaction at a time change what is in the library, and gives the file that is there already; nil: it is new,
// and there is room for it.
func admit(ctx context.Context, tx bun.Tx, f *File) (same *File, err error) {
	if err := lockLibrary(ctx, tx); err != nil {
		return nil, err
	}
	if same, err = bySum(ctx, tx, f.SHA256, f.ForReplies); err != nil || same != nil {
		return same, err
	}
	files, size, err := fill(ctx, tx, f.ForReplies)
	if err != nil {
		return nil, err
	}
	if f.ForReplies {
		if files >= maxReplyFiles || size+f.Size > maxReplies {
			return nil, apperr.Conflict("there is no room for more files of replies (%d MB): they go with the messages that show them",
				size>>20)
		}
		return nil, nil //nolint:nilnil // there is none
	}
	if files >= maxFiles || size+f.Size > maxLibrary {
		return nil, apperr.Conflict("the library is full (%d files, %d MB): delete what no template uses", files, size>>20)
	}
	return nil, nil //nolint:nilnil // there is none
}

func recordUpload(ctx context.Context, tx bun.Tx, f *File) error {
	return record(ctx, tx, audit.MediaUpload, f, map[string]any{"size": f.Size})
}

// record leaves the name of a file for one person out: nothing takes a name out of the trail.
func record(ctx context.Context, tx bun.Tx, action audit.Action, f *File, about map[string]any) error {
	if !f.ForReplies {
		about["name"] = f.Name
	}
	return audit.Record(ctx, tx, action, "media", f.ID, about)
}

// Delete takes a file away, unless a template shows it.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	var f *File
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if err := lockLibrary(ctx, tx); err != nil {
			return err
		}
		if f, err = byID(ctx, tx, id); err != nil {
			return err
		}
		users, err := template.Showing(ctx, tx, template.LibraryPath+f.Token+"/")
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return apperr.Conflict("the file is shown by the template %s", strings.Join(users, ", "))
		}
		if waits, err := awaited(ctx, tx, id); err != nil {
			return err
		} else if waits {
			return apperr.Conflict("a reply with this file is on its way: try again when it was sent")
		}
		if err := remove(ctx, tx, id); err != nil {
			return err
		}
		return record(ctx, tx, audit.MediaDelete, f, map[string]any{})
	})
	if err == nil && f.InBucket && s.bucket != nil {
		s.removeNow(ctx, f) // nobody gets it any more; where this fails, Sweep does it
	}
	return err
}

// Filter narrows a list of files.
type Filter struct {
	Kind   *template.MediaKind
	Search string
}

// List gives a page, newest first.
func (s *Service) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*File], error) {
	return list(ctx, s.db, f, p)
}

// Count tells how many files f matches.
func (s *Service) Count(ctx context.Context, f Filter) (int64, error) { return count(ctx, s.db, f) }

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*File, error) { return byID(ctx, s.db, id) }

// Problem tells why WhatsApp would not show a medium of the library; empty when it would, or when it lies elsewhere.
func Problem(ctx context.Context, idb bun.IDB, m template.Media) (say.Text, error) {
	f, own, err := inLibrary(ctx, idb, m)
	switch {
	case err != nil || !own:
		return say.Text{}, err
	case f == nil:
		return say.New("the file is not in the library any more: choose another"), nil
	case f.Kind != m.Kind:
		return say.New("the file is of the kind %s, not %s", f.Kind.Said(), m.Kind.Said()), nil
	}
	return say.Text{}, nil
}

// inLibrary is the file of the library to which the address of a medium leads; own is false where it leads elsewhere, and the file is nil
// where it is not in the library any more.
func inLibrary(ctx context.Context, idb bun.IDB, m template.Media) (f *File, own bool, err error) {
	rest, own := strings.CutPrefix(m.URL, template.LibraryPath)
	if !own {
		return nil, false, nil
	}
	named, _, _ := strings.Cut(rest, "/")
	if f, err = byToken(ctx, idb, named); f != nil && f.ForReplies {
		f = nil // it goes with the replies that show it
	}
	return f, true, err
}

// token is how tokens look.
var token = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Open gives a file out by its token. Whether it is still there is asked each time; what it holds never changes.
func (s *Service) Open(ctx context.Context, t string) (*File, io.ReadSeeker, error) {
	missing := apperr.New(apperr.CodeNotFound, "there is no such file")
	if !token.MatchString(t) {
		return nil, nil, missing
	}
	f, err := byToken(ctx, s.db, t)
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		return nil, nil, missing
	}
	data, err := s.cache.of(f.ID, func() ([]byte, error) { return s.data(context.WithoutCancel(ctx), f) })
	if err != nil {
		return nil, nil, err
	}
	return f, bytes.NewReader(data), nil
}
