"""A command that runs beside a session until it is told to end; its output lines can be waited for."""

import subprocess
import threading

STEP_TIMEOUT_S = 30


class Background:
    def __init__(self, argv, directory, environment=None):
        self.lines = []
        self._output_ended = False
        self._changed = threading.Condition()
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, errors="replace", env=environment, cwd=directory)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._output_ended = True
            self._changed.notify_all()

    def wait_lines(self, enough):
        """Waits until enough(lines) holds; gives up when the command ends or after a while, which end() shows."""
        with self._changed:
            self._changed.wait_for(lambda: enough(self.lines) or self._output_ended, STEP_TIMEOUT_S)
        return list(self.lines)

    def wait_end(self):
        self.wait_lines(lambda lines: False)

    def end(self):
        """Ends it if it still runs. Returns an outcome to record: whether it stayed until then, exit code, stderr.
        By SIGTERM: what a shell starts in the background is deaf to SIGINT."""
        if self._output_ended:
            self.process.wait(STEP_TIMEOUT_S)
        stayed = self.process.poll() is None
        if stayed:
            self.process.terminate()
        try:
            self.process.wait(STEP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reader.join()
        errors = self.process.stderr.read()
        self.process.stderr.close()
        return {"stayed": stayed, "exit": self.process.wait(), "stderr": errors}
