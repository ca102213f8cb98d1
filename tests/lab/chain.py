"""Who is told: a real Prometheus on the shipped rules, a real Alertmanager on the shipped routes, webhooks at the end.

All listen on the sensor's loopback, on the ports that the shipped examples name."""

import http.server
import json
import pathlib
import threading

from sensor import wait

CONFIG = pathlib.Path(__file__).resolve().parent.parent.parent / "config"
ALERTMANAGER, RECEIVERS = 9093, 9094
# The examples' times, and those of a test.
TIMES = [("group_wait: 2m", "group_wait: 6s"), ("group_wait: 10s", "group_wait: 1s"), ("group_wait: 30s", "group_wait: 1s"),
         ("group_interval: 5m", "group_interval: 1s"), ("group_interval: 1m", "group_interval: 1s"),
         ("repeat_interval: 50s", "repeat_interval: 1s")]


class Chain:
    """From the agent's metrics to the person on call."""

    def __init__(self, sensor):
        self.sensor, self.got = sensor, []
        site = sensor.site
        self.server = sensor.within(self.receivers)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        manager = self.shorter("alertmanager/alertmanager.yml", TIMES)
        site.daemon(f"prometheus-alertmanager --config.file={manager} --storage.path={site.dir}/alertmanager "
                    f"--web.listen-address=127.0.0.1:{ALERTMANAGER} --cluster.listen-address= --log.level=error", "sensor")
        wait("Alertmanager is ready", 30, lambda: self.is_ready(ALERTMANAGER))
        rules = [("../alerts", str(CONFIG / "alerts")), ("_interval: 15s", "_interval: 1s")]
        prometheus = self.shorter("prometheus/prometheus.yml", rules)
        # What fires before Alertmanager is known would else be sent again only after a minute.
        site.daemon(f"prometheus --config.file={prometheus} --storage.tsdb.path={site.dir}/prometheus "
                    "--web.listen-address=127.0.0.1:9090 --rules.alert.resend-delay=5s --log.level=error", "sensor")
        wait("the watchdog arrives", 60, lambda: self.told("/alive"))

    def shorter(self, name, changes):
        """A shipped example with other times and places."""
        text = (CONFIG / name).read_text(encoding="utf8")
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        path = f"{self.sensor.site.dir}/{pathlib.Path(name).name}"
        pathlib.Path(path).write_text(text, encoding="utf8")
        return path

    def receivers(self):
        chain = self

        class Receiver(http.server.BaseHTTPRequestHandler):
            """A webhook."""

            def do_POST(self):  # pylint: disable=invalid-name
                """Keeps what it is told."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chain.got.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                """Says nothing."""
        return http.server.ThreadingHTTPServer(("127.0.0.1", RECEIVERS), Receiver)

    def is_ready(self, port):
        try:
            return self.sensor.get("/-/ready", port) is not None
        except OSError:
            return False

    def told(self, path, status="firing"):
        """The notifications to a receiver, each as the alerts in it: `ALERT DEVICE`, or `ALERT` without one."""
        name = lambda alert: " ".join(filter(None, [alert["labels"]["alertname"], alert["labels"].get("device")]))
        notifications = [sorted(name(alert) for alert in body["alerts"] if alert["status"] == status)
                         for where, body in list(self.got) if where == path]
        return [alerts for alerts in notifications if alerts]

    def texts(self, path):
        """What the receiver reads about the alerts."""
        return [alert["annotations"]["description"] for where, body in list(self.got) if where == path for alert in body["alerts"]]
