package security_test

import (
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

func TestValidate(t *testing.T) {
	oauth2 := func(change func(*security.OAuth2)) *security.SASL {
		o := &security.OAuth2{TokenURL: "https://login/token", ClientID: "me", ClientSecretFile: "/s"}
		change(o)
		return &security.SASL{Mechanism: security.OAuthBearer, OAuth2: o}
	}
	for name, test := range map[string]struct {
		settings interface{ Validate() error }
		want     string // "" if all is well
	}{
		"system's authorities":    {&security.TLS{}, ""},
		"certificate without key": {&security.TLS{CertFile: "c"}, "cert_file: a client certificate needs its private key: give key_file too"},
		"key without certificate": {&security.TLS{KeyFile: "k"}, "key_file: a private key needs its certificate: give cert_file too"},
		"key in place":            {&security.TLS{CA: "c", Cert: "c", Key: "k"}, ""},
		"file and in place":       {&security.TLS{CertFile: "c", KeyFile: "k", Key: "k"}, "key: the private key is given twice, by key_file and key: leave all but one out"},
		"key in place alone":      {&security.TLS{Key: "k"}, "key: a private key needs its certificate: give cert_file too"},
		"verified in place":       {&security.TLS{CA: "c", InsecureSkipVerify: true}, "insecure_skip_verify: makes ca useless: leave out one of them"},
		"unknown version":         {&security.TLS{MinVersion: "TLS1.2"}, `min_version: must be TLS10, TLS11, TLS12 or TLS13, is "TLS1.2"`},
		"verified and not":        {&security.TLS{CAFile: "c", InsecureSkipVerify: true}, "insecure_skip_verify: makes ca_file useless: leave out one of them"},

		"plain":    {&security.SASL{Mechanism: security.Plain, Username: "me", Password: "x"}, ""},
		"by file":  {&security.SASL{Mechanism: security.ScramSHA256, Username: "me", PasswordFile: "x"}, ""},
		"by env":   {&security.SASL{Mechanism: security.ScramSHA512, Username: "me", PasswordEnv: "X"}, ""},
		"no user":  {&security.SASL{Mechanism: security.Plain, Password: "x"}, "username: PLAIN needs a user"},
		"no pass":  {&security.SASL{Mechanism: security.Plain, Username: "me"}, "password_file: PLAIN needs a password: give password_file, password_env or password"},
		"twice":    {&security.SASL{Mechanism: security.Plain, Username: "me", Password: "x", PasswordEnv: "X"}, "password_env: the password is given twice, by password and password_env: leave all but one out"},
		"no token": {&security.SASL{Mechanism: security.Plain, Username: "me", Password: "x", TokenFile: "t"}, "token_file: PLAIN takes no token: leave it out"},

		"token":           {&security.SASL{Mechanism: security.OAuthBearer, TokenFile: "t"}, ""},
		"token missing":   {&security.SASL{Mechanism: security.OAuthBearer}, "token_file: OAUTHBEARER needs a token: give token_file, token or oauth2"},
		"user of a token": {&security.SASL{Mechanism: security.OAuthBearer, TokenFile: "t", Username: "me"}, "username: OAUTHBEARER takes no username and no password: leave them out"},

		"iam from the environment": {&security.SASL{Mechanism: security.MSKIAM}, ""},

		"grant":           {oauth2(func(*security.OAuth2) {}), ""},
		"no secret":       {oauth2(func(o *security.OAuth2) { o.ClientSecretFile = "" }), "oauth2.client_secret_file: the grant needs a secret: give client_secret_file, client_secret_env or client_secret"},
		"no address":      {oauth2(func(o *security.OAuth2) { o.TokenURL = "login/token" }), "oauth2.token_url: is not an address such as https://login.example.com/oauth2/token"},
		"user in address": {oauth2(func(o *security.OAuth2) { o.TokenURL = "https://me:hunter2@login" }), "oauth2.token_url: must not hold a user, a password or a query: there are client_id, client_secret_file and endpoint_params"},
		"bad extension":   {oauth2(func(o *security.OAuth2) { o.Extensions = map[string]string{"auth": "x"} }), `oauth2.extensions: "auth" can't be the name of an extension: letters only, and not auth`},
		"nested tls":      {oauth2(func(o *security.OAuth2) { o.TLS = &security.TLS{KeyFile: "k"} }), "oauth2.tls_config.key_file: a private key needs its certificate: give cert_file too"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := test.settings.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
