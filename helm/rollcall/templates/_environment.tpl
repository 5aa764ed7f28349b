{{- /* A value that may be looked at. */ -}}
{{- define "rollcall.plain" -}}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end -}}

{{- /* A value of the Secret. */ -}}
{{- define "rollcall.secret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.secret.name }}
      key: {{ .key }}
{{- end -}}

{{- /* What a process of a role is told; a gateway is told neither the database nor the master key. */ -}}
{{- define "rollcall.environment" -}}
{{- $values := .root.Values -}}
{{- $keys := $values.secret.keys -}}
{{- $isGateway := eq .component "gateway" -}}
{{- $isAll := eq .component "all" -}}
{{- $isJob := eq .component "migrate" -}}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_LOG" "value" $values.log.filter) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_LOG_FORMAT" "value" $values.log.format) }}
{{- if not $isJob }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_LISTEN" "value" "0.0.0.0:8080") }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_INTERNAL_LISTEN" "value" "0.0.0.0:8081") }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_PUBLIC_URL" "value" (required "publicUrl: say how identity providers and admins reach Rollcall, such as https://scim.example.com" $values.publicUrl)) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_DRAIN_SECONDS" "value" $values.drainSeconds) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_DRAIN_DELAY_SECONDS" "value" $values.drainDelaySeconds) }}
{{- with $values.tracing.endpoint }}
{{ include "rollcall.plain" (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" .) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_TRACE_RATIO" "value" $values.tracing.ratio) }}
{{- end }}
{{- if $values.redis.enabled }}
{{ include "rollcall.secret" (dict "root" .root "name" "ROLLCALL_REDIS_URL" "key" $keys.redisUrl) }}
{{- end }}
{{- end }}
{{- if or $isGateway $isAll }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_TENANT_RATE" "value" $values.limits.tenantRate) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_TOKEN_RATE" "value" $values.limits.tokenRate) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_REQUESTS_AT_ONCE" "value" $values.limits.requestsAtOnce) }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_TENANT_REQUESTS_AT_ONCE" "value" $values.limits.tenantRequestsAtOnce) }}
{{- end }}
{{- if $isGateway }}
{{- $cells := list (printf "default=http://%s-scim:8082" (include "rollcall.fullname" .root)) }}
{{- range $values.gateway.cells }}
{{- $cells = append $cells (printf "%s=%s" .name .address) }}
{{- end }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_CELLS" "value" (join "," $cells)) }}
{{- end }}
{{- if or $isGateway (eq .component "scim") }}
{{ include "rollcall.secret" (dict "root" .root "name" "ROLLCALL_INTERNAL_KEY" "key" $keys.internalKey) }}
{{- end }}
{{- if eq .component "scim" }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_CELL_LISTEN" "value" "0.0.0.0:8082") }}
{{- end }}
{{- if $isAll }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_DATA_DIR" "value" "/var/lib/rollcall") }}
{{- else if not $isGateway }}
{{ include "rollcall.secret" (dict "root" .root "name" "ROLLCALL_DATABASE_URL" "key" $keys.databaseUrl) }}
{{- end }}
{{- if not $isGateway }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_DATABASE_CONNECTIONS" "value" $values.database.connections) }}
{{ include "rollcall.secret" (dict "root" .root "name" "ROLLCALL_MASTER_KEY" "key" $keys.masterKey) }}
{{- end }}
{{- if or (eq .component "api") $isAll }}
{{ include "rollcall.secret" (dict "root" .root "name" "ROLLCALL_OPERATOR_KEY" "key" $keys.operatorKey) }}
{{- end }}
{{- if or (eq .component "gateway") (eq .component "api") $isAll }}
{{- with $values.trustedProxies }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_TRUSTED_PROXIES" "value" (join "," .)) }}
{{- end }}
{{- end }}
{{- if or (eq .component "api") (eq .component "sync") $isAll }}
{{- with $values.allowTargets }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_ALLOW_TARGETS" "value" (join "," .)) }}
{{- end }}
{{- end }}
{{- if or (eq .component "sync") $isAll }}
{{ include "rollcall.plain" (dict "name" "ROLLCALL_LEASE_SECONDS" "value" $values.leaseSeconds) }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
