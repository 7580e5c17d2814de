package doctor

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"eventstream/server/guard"
	"eventstream/server/say"
)

func (d *Doctor) configuration(context.Context) Finding {
	if err := d.o.Config.Validate(); err != nil {
		return fail("Correct the variables that are named; docs/operations.md has all of them.", "%s", err)
	}
	if d.o.Config.ClockOffset != 0 {
		return warn("Unset CLOCK_OFFSET: it is for tests.", "CLOCK_OFFSET makes this process’ clock wrong by %s.",
			d.o.Config.ClockOffset)
	}
	return ok("Every value is one that is allowed.")
}

// weakKey says what makes a key one that could be guessed, or "".
func weakKey(key string) say.Format {
	different := map[rune]bool{}
	for _, r := range key {
		different[r] = true
	}
	lower := strings.ToLower(key)
	switch {
	case len(different) < 10:
		return "it consists of few different characters"
	case strings.Contains(lower, "secret"), strings.Contains(lower, "password"), strings.Contains(lower, "changeme"),
		strings.Contains(lower, "example"):
		return "it holds a word that everybody tries first"
	case len(key) >= 16 && strings.Contains(key+key, key[len(key)/2:]+key[:len(key)/2]) && key[:len(key)/2] == key[len(key)/2:]:
		return "it is one half, twice"
	case isSequence(key):
		return "it is a sequence"
	}
	return ""
}

// isSequence reports whether nearly every character is the next one of the one before.
func isSequence(key string) bool {
	jumps := 0
	for i := 1; i < len(key); i++ {
		if step := int(key[i]) - int(key[i-1]); step < -1 || step > 1 {
			jumps++
		}
	}
	return jumps <= len(key)/8
}

func (d *Doctor) secrets(context.Context) Finding {
	c := d.o.Config
	if why := weakKey(string(c.SecretKey)); c.SecretKey != "" && why != "" {
		return fail("Make a new one (openssl rand -hex 32) and rotate to it, see docs/operations.md, Keys.",
			"SECRET_KEY can be guessed: %s.", say.New(why))
	}
	if c.DatabaseURL != "" {
		u, err := url.Parse(string(c.DatabaseURL))
		if err == nil && u.User != nil && !guard.Loopback(u.Host) {
			if p, has := u.User.Password(); has && len(p) < 12 {
				return warn("Give the database’s user a longer password.",
					"The password in DATABASE_URL has fewer than 12 characters, and the database is on another machine.")
			}
		}
	}
	if c.AdminPassword != "" {
		return warn("Unset ADMIN_EMAIL and ADMIN_PASSWORD: they are only for the first start.",
			"ADMIN_PASSWORD is still in the environment.")
	}
	return ok("No secret is one that would be guessed.")
}

func (d *Doctor) secretFiles(context.Context) Finding {
	var open []string
	found := 0
	for _, name := range []string{"secret.key", "sandbox.token", "postgres.password", "postgres.log"} {
		info, err := os.Stat(filepath.Join(d.o.Config.DataDir, name))
		if err != nil {
			continue
		}
		found++
		if info.Mode().Perm()&0o077 != 0 {
			open = append(open, name)
		}
	}
	switch {
	case len(open) > 0:
		return fail("chmod 600 them, and think of who has read them.", "Others on this machine may read %s in DATA_DIR.",
			strings.Join(open, ", "))
	case found == 0:
		return none("There are no secret files in DATA_DIR.")
	}
	return ok("Only the engine’s user reads the secret files in DATA_DIR.")
}

func (d *Doctor) proxies(context.Context) Finding {
	for _, p := range d.o.Config.TrustedProxies {
		wide := p.Bits() < 8
		if p.Addr().Is6() {
			wide = p.Bits() < 32
		}
		if wide {
			return fail("Name the proxies’ own addresses only.",
				"TRUSTED_PROXIES holds %s: anybody from there can claim to be at any address, and limits at sign-in count for nothing.", p)
		}
	}
	u, err := url.Parse(d.o.Config.PublicURL)
	if err != nil || d.o.Config.PublicURL == "" || guard.Loopback(u.Host) {
		return ok("People come without a proxy.")
	}
	if len(d.o.Config.TrustedProxies) == 0 && d.o.Config.Loopback() {
		return warn("Set TRUSTED_PROXIES to the proxy’s address, such as 127.0.0.1.",
			"PUBLIC_URL is %s while the engine listens on this machine alone, so that a proxy stands in front; it is not in "+
				"TRUSTED_PROXIES, and all people count as one network address.", u.Host)
	}
	return ok("%d <address or network|addresses or networks> of proxies <is|are> believed.", len(d.o.Config.TrustedProxies))
}

func (d *Doctor) exposure(context.Context) Finding {
	c := d.o.Config
	reached := !c.Loopback() || c.PublicURL != "" && !guard.Loopback(hostOf(c.PublicURL))
	switch {
	case c.Playground && reached:
		return warn("Unset PLAYGROUND.", "The playground is served to everybody who reaches the pages.")
	case c.Introspection && reached:
		return ok("The playground is off. The schema is shown to those who are signed in (INTROSPECTION=false ends that).")
	}
	return ok("Nobody but this machine, or nobody at all, gets the playground.")
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func (d *Doctor) metrics(context.Context) Finding {
	addr := d.o.Config.MetricsAddr
	if addr == "" {
		return none("METRICS_ADDR is not set: there are no metrics.")
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fail("Give host:port.", "METRICS_ADDR is no address.")
	}
	ip, err := netip.ParseAddr(host)
	if host == "" || err == nil && (ip.IsUnspecified() || !ip.IsPrivate() && !ip.IsLoopback()) {
		return warn("Let METRICS_ADDR be a private address, or keep others out with a firewall.",
			"Metrics are answered on every interface or a public address, to whoever asks.")
	}
	return ok("Metrics are answered at %s.", addr)
}

const (
	gib        = 1 << 30
	littleDisk = 5 * gib
	noDisk     = gib
)

func (d *Doctor) disk(context.Context) Finding {
	worst := ok("")
	var texts []say.Text
	for _, dir := range []string{d.o.Config.DataDir, d.o.Config.SpoolDir()} {
		if dir == "" {
			continue
		}
		free, total, err := diskFree(existing(dir))
		if errors.Is(err, errors.ErrUnsupported) {
			return none("Free space cannot be read on this system.")
		}
		if err != nil {
			return fail("Look at the disk.", "The free space of %s cannot be read: %s", dir, err)
		}
		texts = append(texts, say.New("%s: %s of %s free", dir, gibs(free), gibs(total)))
		switch {
		case free < noDisk || free < total/50:
			worst.State, worst.Advice = Failed, say.New("Make room now: Postgres stops when the disk is full, and webhooks are refused.")
		case (free < littleDisk || free < total/10) && worst.State == OK:
			worst.State, worst.Advice = Warning, say.New("Make room, or give it a larger disk.")
		}
	}
	worst.Found = say.All(texts...)
	return worst
}

// existing is the directory, or the one above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func gibs(n uint64) say.Text {
	const tenth = gib / 10
	return say.New("%g GiB", float64(n/tenth)/10)
}

const spoolPatience = 2 * time.Minute

func (d *Doctor) spool(context.Context) Finding {
	dir := d.o.Config.SpoolDir()
	switch {
	case d.o.Config.WebhookSpool == "off":
		return none("There is no spool: while Postgres is away webhooks are refused, and Twilio tries some of them again; clicks on links wait in memory.")
	case dir == "":
		return warn("Set WEBHOOK_SPOOL to a directory on a disk that lasts, or to off where there is none.",
			"There is no spool: while Postgres is away webhooks are refused, of which Twilio tries some again, and a crash loses the clicks on links that wait in memory.")
	}
	var bytes int64
	oldest := time.Now()
	files := 0
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		files, bytes = files+1, bytes+info.Size()
		if info.ModTime().Before(oldest) {
			oldest = info.ModTime()
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ok("Nothing waits in the spool.")
	case err != nil:
		return fail("Let the engine’s user read and write it.", "The spool cannot be read: %s", err)
	case files > 0 && time.Since(oldest) > spoolPatience:
		return fail("Look whether Postgres answers and a server runs that uses this directory; files that end in .damaged are for a person.",
			"%d <byte|bytes> of webhooks and clicks <waits|wait> in the spool, the oldest for %s.", bytes, time.Since(oldest))
	case files > 0:
		return warn("Look again in a minute.", "%d <byte|bytes> of webhooks and clicks <waits|wait> in the spool.", bytes)
	}
	return ok("Nothing waits in the spool.")
}

func (d *Doctor) media(ctx context.Context) Finding {
	if d.o.Media == nil {
		return none("The media library is not looked at.")
	}
	place, err := d.o.Media(ctx)
	switch {
	case err != nil:
		return fail("Check MEDIA_S3_BUCKET, MEDIA_S3_ENDPOINT, MEDIA_S3_REGION and the keys, which have to read, write and delete objects there.",
			"%s cannot be used: %s", cmp.Or(place, "The media library"), err)
	case place == "":
		return none("MEDIA_S3_BUCKET is not set: the files of templates lie in Postgres.")
	}
	return ok("An object was written to %s, read and deleted.", place)
}

func (d *Doctor) smtp(ctx context.Context) Finding {
	if d.o.SMTP == nil {
		return none("SMTP_URL is not set: links are handed over by admins, and nobody is told what happens to their account.")
	}
	if err := d.o.SMTP(ctx); err != nil {
		return fail("Check SMTP_URL: host, port, user, password, and that TLS works there.", "The mail server refused: %s", err)
	}
	return ok("The mail server lets the engine in.")
}

func (d *Doctor) provider(ctx context.Context) Finding {
	if d.o.Provider == nil {
		return none("OIDC_ISSUER is not set: operators sign in here alone.")
	}
	if err := d.o.Provider(ctx); err != nil {
		return fail("Check OIDC_ISSUER, and that this machine reaches it.", "The provider does not answer as it must: %s", err)
	}
	return ok("The provider of OIDC_ISSUER answers.")
}
