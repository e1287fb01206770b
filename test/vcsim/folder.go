package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// The simulator serves the files of datastores to anybody; a vCenter wants a session's cookie or the user's password.
func guardFolder(mux http.Handler, user *url.Userinfo) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/folder") && !isUser(r, user) && !hasSession(mux, r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func isUser(r *http.Request, user *url.Userinfo) bool {
	name, given, ok := r.BasicAuth()
	password, _ := user.Password()
	return ok && name == user.Username() && given == password
}

const currentTime = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><CurrentTime xmlns="urn:vim25">
<_this type="ServiceInstance">ServiceInstance</_this></CurrentTime></Body></Envelope>`

// The sessions are the simulator's own secret, so it is asked something that only a session may ask.
func hasSession(mux http.Handler, r *http.Request) bool {
	cookie, err := r.Cookie("vmware_soap_session")
	if err != nil {
		return false
	}
	question := httptest.NewRequest(http.MethodPost, "/sdk", strings.NewReader(currentTime))
	question.AddCookie(cookie)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, question)
	return answer.Code == http.StatusOK
}
