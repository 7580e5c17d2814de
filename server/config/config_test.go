package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/secret"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func valid() Config {
	return Config{ListenAddr: "127.0.0.1:8080", LogLevel: "info", LogFormat: "text"}
}

func bucketMedia() Media {
	return Media{Bucket: "shop", Region: "us-east-1", AccessKeyID: "AK", SecretKey: "secret"}
}

// TestWhereFilesOfTheLibraryGo: into the bucket where there is one, unless somebody says otherwise.
func TestWhereFilesOfTheLibraryGo(t *testing.T) {
	t.Parallel()
	require.False(t, valid().Media.ToBucket())
	c := valid()
	c.Media = bucketMedia()
	require.NoError(t, c.Validate())
	require.True(t, c.Media.ToBucket())
	endpoint, err := c.Media.EndpointURL()
	require.NoError(t, err)
	require.Equal(t, "https://s3.us-east-1.amazonaws.com", endpoint.String())
	c.Media.Prefix = "/a/b/"
	require.Equal(t, "a/b/", c.Media.ObjectPrefix())
	c.Media.Store = MediaInPostgres
	require.NoError(t, c.Validate())
	require.False(t, c.Media.ToBucket(), "what lies there is read from there all the same")
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.NoError(t, valid().Validate())
	sid, token := "AC00000000000000000000000000000000", Secret("abc")
	for want, spoil := range map[string]func(*Config){
		"LISTEN_ADDR":                           func(c *Config) { c.ListenAddr = "8080" },
		"PUBLIC_URL":                            func(c *Config) { c.PublicURL = "shop.example" },
		"DATABASE_URL":                          func(c *Config) { c.DatabaseURL = "mysql://secret@x" },
		"ADMIN_EMAIL and ADMIN_PASSWORD":        func(c *Config) { c.AdminEmail = "a@b.example" },
		"SMTP_URL and MAIL_FROM":                func(c *Config) { c.MailFrom = "a@b.example" },
		"SECRET_KEY":                            func(c *Config) { c.SecretKey = "short" },
		"SECRET_KEY_PREVIOUS":                   func(c *Config) { c.SecretKeyPrevious = "short" },
		"keys rotate":                           func(c *Config) { c.SecretKeyPrevious = Secret(strings.Repeat("k", 32)) },
		"MESSAGE_VALIDITY":                      func(c *Config) { c.MessageValidity = time.Second },
		"LOG_LEVEL":                             func(c *Config) { c.LogLevel = "loud" },
		"TWILIO_AUTH_TOKEN is set but TWILIO_A": func(c *Config) { c.Twilio.AuthToken = token },
		"TWILIO_AUTH_TOKEN is not set":          func(c *Config) { c.Twilio.AccountSID = sid },
		"want AC and 32":                        func(c *Config) { c.Twilio.AccountSID, c.Twilio.AuthToken = "ACx", token },
		"TWILIO_API_KEY and TWILIO_API_SECRET": func(c *Config) {
			c.Twilio.AccountSID, c.Twilio.AuthToken,
				c.Twilio.APISecret = sid, token, token
		},
		"MEDIA_STORE=\"disk\"":              func(c *Config) { c.Media.Store = "disk" },
		"MEDIA_STORE=bucket is set but":     func(c *Config) { c.Media.Store = "bucket" },
		"MEDIA_S3_SECRET_ACCESS_KEY is set": func(c *Config) { c.Media.SecretKey = "secret" },
		"MEDIA_S3_BUCKET=\"Shop_1\"":        func(c *Config) { c.Media.Bucket = "Shop_1" },
		"set both for MEDIA_S3_BUCKET":      func(c *Config) { c.Media.Bucket, c.Media.AccessKeyID = "shop", "AK" },
		"MEDIA_S3_PREFIX":                   func(c *Config) { c.Media = bucketMedia(); c.Media.Prefix = "a b" },
		"MEDIA_S3_ENDPOINT: want an http":   func(c *Config) { c.Media = bucketMedia(); c.Media.Endpoint = "https://me:secret@minio" },
		"TWILIO_PHONE_NUMBER is set but":    func(c *Config) { c.Twilio.PhoneNumber = "+14155238886" },
	} {
		c := valid()
		spoil(&c)
		err := c.Validate()
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret@")
	}
}

// TestThePlaygroundIsForThisMachine unless somebody asks for it. It changes the environment.
func TestThePlaygroundIsForThisMachine(t *testing.T) { //nolint:paralleltest // see above
	t.Chdir(t.TempDir()) // no .env
	for _, c := range []struct {
		listen, public, said string
		want                 bool
	}{
		{"127.0.0.1:8080", "", "", true},
		{"[::1]:8080", "", "", true},
		{"0.0.0.0:8080", "", "", false},
		{"127.0.0.1:8080", "https://engage.example", "", false},
		{"0.0.0.0:8080", "", "true", true},
		{"127.0.0.1:8080", "", "false", false},
	} {
		for name, value := range map[string]string{
			"LISTEN_ADDR": c.listen, "PUBLIC_URL": c.public, "PLAYGROUND": c.said,
		} {
			t.Setenv(name, value)
			if value == "" {
				require.NoError(t, os.Unsetenv(name))
			}
		}
		got, err := Load()
		require.NoError(t, err)
		require.Equal(t, c.want, got.Playground, "%+v", c)
		require.True(t, got.Introspection)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := valid()
	c.SecretKey, c.DatabaseURL, c.Twilio.AuthToken = "hush-hush", "postgres://u:hush-hush@h/d", "hush-hush"
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), string(raw)} {
		require.NotContains(t, text, "hush-hush")
	}
}

func TestSecretKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			c := valid()
			c.DataDir = dir
			k, err := c.Keys()
			if assert.NoError(t, err) {
				ids[i] = k.IDs()[0]
			}
		})
	}
	all.Wait()
	require.Len(t, slices.Compact(ids), 1, "also by processes that start at once")
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestEarlierKeysAreReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	first, second, third := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32)
	c := valid()
	c.SecretKey, c.SecretKeyPrevious = Secret(third), Secret(second+", "+first)
	require.NoError(t, c.Validate())
	k, err := c.Keys()
	require.NoError(t, err)
	require.Equal(t, []string{secret.ID(third), secret.ID(second), secret.ID(first)}, k.IDs())
	require.Empty(t, c.KeyFile())
}

func TestTrustedProxiesAreReadFromTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
	c, err := Load()
	require.NoError(t, err)
	require.Len(t, c.TrustedProxies, 2)
	t.Setenv("TRUSTED_PROXIES", "") // as Compose passes on what is not set
	t.Setenv("ALLOWED_HOSTS", "")
	c, err = Load()
	require.NoError(t, err)
	require.Empty(t, c.TrustedProxies)
	require.Empty(t, c.AllowedHosts)
	t.Setenv("TRUSTED_PROXIES", "proxy.internal")
	_, err = Load()
	require.ErrorContains(t, err, `TRUSTED_PROXIES: "proxy.internal"`)
}

func TestWhereTheEngineIsReached(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ public, listen, base, pages string }{
		{"https://shop.example/", ":8080", "https://shop.example", "https://shop.example"},
		{"http://127.0.0.1", ":8080", "http://127.0.0.1", "http://localhost"},
		{"http://[::1]:8080", "", "http://[::1]:8080", "http://localhost:8080"},
		{"", ":8080", "http://127.0.0.1:8080", "http://localhost:8080"},
		{"", "[::]:8080", "http://127.0.0.1:8080", "http://localhost:8080"},
		{"", "10.0.0.7:8080", "http://10.0.0.7:8080", "http://10.0.0.7:8080"},
		{"", "127.0.0.1:0", "", ""},
	} {
		cfg := Config{PublicURL: c.public, ListenAddr: c.listen}
		require.Equal(t, c.base, cfg.BaseURL(), "%+v", c)
		require.Equal(t, c.pages, PagesURL(cfg.BaseURL()), "%+v", c)
	}
}

// TestWhatIsTriedOutHasNothingOfTheInstallationBesideIt but how it logs and where its directory lies.
func TestWhatIsTriedOutHasNothingOfTheInstallationBesideIt(t *testing.T) {
	t.Chdir(t.TempDir()) // no .env
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value) // so that it comes back
		require.NoError(t, os.Unsetenv(name))
	}
	want, err := LoadApart("127.0.0.1:8090")
	require.NoError(t, err)
	want.DataDir, want.LogLevel = filepath.Join("there", "try"), "debug"
	t.Setenv("DATA_DIR", "there")
	t.Setenv("LOG_LEVEL", "debug")
	var names func(of reflect.Type)
	names = func(of reflect.Type) {
		for _, field := range reflect.VisibleFields(of) {
			name := field.Tag.Get("env")
			switch {
			case name == "" && field.Type.Kind() == reflect.Struct:
				names(field.Type)
			case name != "" && name != "-" && name != "DATA_DIR" && !slices.Contains(apart, name):
				t.Setenv(name, "of the other one, and no value that could be read")
			}
		}
	}
	names(reflect.TypeFor[Config]())
	_, err = Load()
	require.Error(t, err)
	got, err := LoadApart("127.0.0.1:8090")
	require.NoError(t, err)
	require.Equal(t, want, got)
}
