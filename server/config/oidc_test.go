package config_test

import (
	"testing"

	"eventstream/server/actor"
	"eventstream/server/config"

	"github.com/stretchr/testify/require"
)

func TestAProviderIsReadFromTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	set := func(pairs map[string]string) error {
		for name, value := range pairs {
			t.Setenv(name, value)
		}
		_, err := config.Load()
		return err
	}
	err := set(map[string]string{"OIDC_CLIENT_ID": "engine"})
	require.ErrorContains(t, err, "OIDC_CLIENT_ID is set but OIDC_ISSUER is not")
	err = set(map[string]string{"OIDC_ISSUER": "http://sso.shop.example"})
	require.ErrorContains(t, err, `OIDC_ISSUER="http://sso.shop.example": want the provider's https URL`)
	require.ErrorContains(t, err, "OIDC_ROLES is not set")
	require.ErrorContains(t, err, "OIDC_CLIENT_SECRET")
	err = set(map[string]string{
		"OIDC_ISSUER": "https://sso.shop.example/realms/shop", "OIDC_CLIENT_SECRET": "s3cret", "OIDC_ROLES": "admins=OWNER",
	})
	require.ErrorContains(t, err, `"admins=OWNER" is not group=ROLE`)
	require.NoError(t, set(map[string]string{"OIDC_ROLES": "cn=admins,dc=shop=ADMIN; staff = viewer"}))
	c, err := config.Load()
	require.NoError(t, err)
	require.Equal(t, config.Roles{"cn=admins,dc=shop": actor.RoleAdmin, "staff": actor.RoleViewer}, c.OIDC.Roles)
	require.Equal(t, []string{"openid", "email", "profile"}, c.OIDC.Scopes)
	require.Equal(t, "sso.shop.example", c.OIDC.Label())
	require.Equal(t, "groups", c.OIDC.RoleClaim)
}
