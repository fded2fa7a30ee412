package security

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// The mechanisms, as Kafka names them.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
	MSKIAM      = "AWS_MSK_IAM"
)

// SASL says who the prober is to the brokers.
type SASL struct {
	Mechanism    string      `yaml:"mechanism" required:"true" enum:"PLAIN|SCRAM-SHA-256|SCRAM-SHA-512|OAUTHBEARER|AWS_MSK_IAM" help:"as the listener's sasl.enabled.mechanisms has it; AWS_MSK_IAM is tested against AWS's published algorithm, not against MSK itself"`
	Username     string      `yaml:"username" help:"user of PLAIN and SCRAM; access key id of AWS_MSK_IAM (AWS_ACCESS_KEY_ID if left out)"`
	Password     kind.Secret `yaml:"password" help:"its password; secret access key of AWS_MSK_IAM (AWS_SECRET_ACCESS_KEY if left out). Better in a file"`
	PasswordFile string      `yaml:"password_file" help:"file that holds the password; watched, so that it can change without a restart"`
	PasswordEnv  string      `yaml:"password_env" help:"environment variable that holds the password"`
	Token        kind.Secret `yaml:"token" help:"token of OAUTHBEARER; session token of AWS_MSK_IAM (AWS_SESSION_TOKEN if left out). Better in a file"`
	TokenFile    string      `yaml:"token_file" help:"file that holds the token; watched, so that it can change without a restart"`
	OAuth2       *OAuth2     `yaml:"oauth2" help:"where OAUTHBEARER gets its tokens, if not from token or token_file"`
}

// OAuth2 is Prometheus' oauth2: the client credentials grant of RFC 6749.
type OAuth2 struct {
	TokenURL         string                 `yaml:"token_url" required:"true" help:"token endpoint of the authorization server"`
	ClientID         string                 `yaml:"client_id" required:"true" help:"client id at the authorization server"`
	ClientSecret     kind.Secret            `yaml:"client_secret" help:"its secret. Better in a file"`
	ClientSecretFile string                 `yaml:"client_secret_file" help:"file that holds the secret; watched, so that it can change without a restart"`
	ClientSecretEnv  string                 `yaml:"client_secret_env" help:"environment variable that holds the secret"`
	Scopes           []string               `yaml:"scopes" help:"scopes to ask for"`
	EndpointParams   map[string]kind.Secret `yaml:"endpoint_params" help:"further parameters of the token request, for example audience"`
	Extensions       map[string]string      `yaml:"extensions" help:"SASL extensions to send with the token, for example logicalCluster"`
	TLS              *TLS                   `yaml:"tls_config" help:"TLS towards the authorization server"`
}

// needs says which settings a mechanism takes.
type needs struct {
	password bool // username and one form of password
	token    bool // one form of token, or oauth2
	optional bool // may come from the environment by their usual names instead
}

var mechanisms = map[string]needs{
	Plain:       {password: true},
	ScramSHA256: {password: true},
	ScramSHA512: {password: true},
	OAuthBearer: {token: true},
	MSKIAM:      {password: true, token: true, optional: true},
}

// Files returns the files that the settings name, in a fixed order.
func (s *SASL) Files() []string {
	files := named(s.PasswordFile, s.TokenFile)
	if s.OAuth2 != nil {
		files = append(files, named(s.OAuth2.ClientSecretFile)...)
		if s.OAuth2.TLS != nil {
			files = append(files, s.OAuth2.TLS.Files()...)
		}
	}
	return files
}

// Validate reports what is wrong with the settings, without looking at files.
func (s *SASL) Validate() error {
	want, known := mechanisms[s.Mechanism]
	if !known {
		return nil // the decoder has said so
	}
	errs := []error{
		onlyOne("password", given("password", string(s.Password)), given("password_file", s.PasswordFile), given("password_env", s.PasswordEnv)),
		onlyOne("token", given("token", string(s.Token)), given("token_file", s.TokenFile), givenIf("oauth2", s.OAuth2 != nil)),
	}
	password := s.Username != "" || s.Password != "" || s.PasswordFile != "" || s.PasswordEnv != ""
	token := s.Token != "" || s.TokenFile != "" || s.OAuth2 != nil
	switch {
	case want.password && !want.optional:
		if s.Username == "" {
			errs = append(errs, kind.Errorf("username", "%s needs a user", s.Mechanism))
		}
		if s.Password == "" && s.PasswordFile == "" && s.PasswordEnv == "" {
			errs = append(errs, kind.Errorf("password_file", "%s needs a password: give password_file, password_env or password", s.Mechanism))
		}
	case !want.password && password:
		errs = append(errs, kind.Errorf("username", "%s takes no username and no password: leave them out", s.Mechanism))
	}
	switch {
	case want.token && !want.optional && !token:
		errs = append(errs, kind.Errorf("token_file", "%s needs a token: give token_file, token or oauth2", s.Mechanism))
	case !want.token && token:
		errs = append(errs, kind.Errorf("token_file", "%s takes no token: leave it out", s.Mechanism))
	}
	if s.Mechanism == MSKIAM && s.OAuth2 != nil {
		errs = append(errs, kind.Errorf("oauth2", "AWS_MSK_IAM signs with an access key: leave oauth2 out"))
	}
	if s.OAuth2 != nil {
		errs = append(errs, kind.Nest("oauth2", s.OAuth2.Validate()))
	}
	return errors.Join(errs...)
}

// Validate reports what is wrong with the settings, without looking at files.
func (o *OAuth2) Validate() error {
	errs := []error{onlyOne("client_secret", given("client_secret", string(o.ClientSecret)),
		given("client_secret_file", o.ClientSecretFile), given("client_secret_env", o.ClientSecretEnv))}
	if o.ClientSecret == "" && o.ClientSecretFile == "" && o.ClientSecretEnv == "" {
		errs = append(errs, kind.Errorf("client_secret_file", "the grant needs a secret: give client_secret_file, client_secret_env or client_secret"))
	}
	// The address is not quoted: somebody may have put the secret into it.
	if u, err := url.Parse(o.TokenURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		errs = append(errs, kind.Errorf("token_url", "is not an address such as https://login.example.com/oauth2/token"))
	} else if u.User != nil || u.RawQuery != "" {
		errs = append(errs, kind.Errorf("token_url", "must not hold a user, a password or a query: there are client_id, client_secret_file and endpoint_params"))
	}
	for key := range o.Extensions {
		if key == "auth" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			errs = append(errs, kind.Errorf("extensions", "%q can't be the name of an extension: letters only, and not auth", key))
		}
	}
	if o.TLS != nil {
		errs = append(errs, kind.Nest("tls_config", o.TLS.Validate()))
	}
	return errors.Join(errs...)
}

// given returns key if it has a value.
func given(key, value string) string { return givenIf(key, value != "") }

func givenIf(key string, is bool) string {
	if is {
		return key
	}
	return ""
}

// onlyOne returns an error if more than one of the keys is given.
func onlyOne(what string, keys ...string) error {
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == "" })
	if len(keys) < 2 {
		return nil
	}
	return kind.Errorf(keys[1], "the %s is given twice, by %s: leave all but one out", what, strings.Join(keys, " and "))
}
