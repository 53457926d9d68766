package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.hub.HubClient.RemoteFile;
import dev.lockstep.checkpoint.hub.HubClient.Reply;
import dev.lockstep.host.ByteProgress;
import dev.lockstep.host.Closing;
import dev.lockstep.host.UsageException;

/**
 * Brings one file's content into the cache: into {@code ETAG.incomplete} first, which the next attempt goes on with, be it
 * that of another process, and under its name once it is whole and checked.
 */
final class FileDownload {
    private static final int BUFFER = 1 << 20;
    private static final long STALL_NANOS = Duration.ofSeconds(30).toNanos();

    private final HubClient client;
    private final ModelName name;
    private final RemoteFile file;
    private final Path blob;
    private final Path part;
    private final ByteProgress progress;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    private long have;
    private ContentDigest digest;
    // for the thread that looks whether it has come to a stop
    private volatile @Nullable InputStream body;
    private volatile long lastHeard;

    FileDownload(HubClient client, HubCache cache, ModelName name, RemoteFile file, ByteProgress progress) {
        this.client = client;
        this.name = name;
        this.file = file;
        this.blob = cache.blob(file.etag());
        this.part = cache.incomplete(file.etag());
        this.progress = progress;
        this.digest = new ContentDigest(file.etag(), 0);
    }

    /** Breaks a connection from which nothing has come for half a minute; the file is then asked for again. */
    void breakIfStalled(long now) {
        InputStream reading = body;
        if (reading != null && now - lastHeard > STALL_NANOS) {
            body = null;
            Closing.quietly(reading);
        }
    }

    /**
     * @throws UsageException when the hub does not give it, or something else under its name
     * @throws IOException    when it cannot be written
     */
    void run() throws IOException {
        if (Files.isRegularFile(blob)) {
            return;
        }
        boolean resumed = fetch();
        boolean good = digest.matches();
        if (!good && resumed) {
            // what was here before may have been another file's beginning
            startAgain();
            fetch();
            good = digest.matches();
        }
        if (!good) {
            Files.deleteIfExists(part);
            throw new UsageException(file.name() + " of " + name + " did not arrive as it was sent (its checksum is"
                    + " another): try again; if it stays so, a proxy changes it or the hub's file is damaged");
        }
        try {
            HubCache.moveOver(part, blob);
        } catch (NoSuchFileException e) {
            if (!Files.isRegularFile(blob)) { // where there are no locks another process may have been first
                throw e;
            }
        }
    }

    private void startAgain() throws IOException {
        progress.found(-have);
        Files.deleteIfExists(part);
    }

    /** @return whether it went on with what was there */
    private boolean fetch() throws IOException {
        try (FileChannel out = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            boolean resumed = begin(out);
            if (!file.size().isPresent() || have < file.size().getAsLong()) {
                receive(out);
            }
            out.truncate(have);
            out.force(true);
            if (!file.size().isPresent()) {
                // git's sum begins with the size, which only the end has told
                digest(out, have);
            }
            return resumed;
        }
    }

    private boolean begin(FileChannel out) throws IOException {
        long before = out.size();
        boolean useful = file.size().isPresent() && before <= file.size().getAsLong()
                && new ContentDigest(file.etag(), 0).isKnown();
        have = useful ? before : 0;
        if (have < before) {
            out.truncate(0);
        }
        digest(out, file.size().orElse(0));
        progress.found(have);
        return have > 0;
    }

    /** Takes the sum of what is here. */
    private void digest(FileChannel out, long size) throws IOException {
        digest = new ContentDigest(file.etag(), size);
        long at = 0;
        while (at < have) {
            buffer.clear();
            int read = out.read(buffer, at);
            if (read < 0) {
                throw new IOException(part + " becomes shorter while it is read");
            }
            at += read;
            digest.update(buffer.flip());
        }
    }

    private void receive(FileChannel out) throws IOException {
        Pauses pauses = client.pauses(name);
        String validator = "";
        while (true) {
            IOException failure;
            try (Reply reply = client.open(name, file.address(), have, validator)) {
                if (reply.status() == 416 || reply.status() == 206 && !goesOn(reply)
                        || reply.status() == 200 && have > 0) {
                    // the file has changed, or its host does not know parts
                    progress.found(-have);
                    have = 0;
                    digest(out, file.size().orElse(0));
                }
                if (reply.status() == 200 || goesOn(reply)) {
                    validator = reply.last().headers().firstValue("etag").filter(etag -> !etag.startsWith("W/"))
                            .orElse("");
                    failure = copy(reply.last().body(), out, pauses);
                    if (failure == null) {
                        return;
                    }
                } else {
                    failure = new IOException("it sends another part than it was asked for");
                }
            } catch (IOException e) {
                failure = e;
            } catch (WriteException e) {
                throw e.reason;
            } finally {
                body = null;
            }
            pauses.next(failure);
        }
    }

    private boolean goesOn(Reply reply) {
        return reply.status() == 206 && reply.last().headers().firstValue("content-range").orElse("")
                .startsWith("bytes " + have + "-");
    }

    /** @return why it is not all, or null when it is */
    private @Nullable IOException copy(InputStream in, FileChannel out, Pauses pauses) {
        lastHeard = System.nanoTime();
        body = in;
        long most = file.size().orElse(Long.MAX_VALUE);
        while (true) {
            int read;
            try {
                read = in.read(buffer.array());
            } catch (IOException e) {
                return e;
            }
            if (read < 0) {
                return have == most || !file.size().isPresent() ? null : new IOException("the connection broke off");
            }
            lastHeard = System.nanoTime();
            if (read > most - have) {
                throw new UsageException(file.name() + " of " + name + " is longer than the " + most
                        + " bytes that the hub says: try again; if it stays so, a proxy changes it");
            }
            buffer.position(0).limit(read);
            digest.update(buffer);
            write(out, buffer.position(0));
            have += read;
            progress.received(read);
            pauses.gained();
            if (have == most) {
                return null;
            }
        }
    }

    private void write(FileChannel out, ByteBuffer bytes) {
        try {
            long at = have;
            while (bytes.hasRemaining()) {
                at += out.write(bytes, at);
            }
        } catch (IOException e) {
            throw new WriteException(e);
        }
    }

    /** To tell a full disk from a network that broke. */
    private static final class WriteException extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final IOException reason;

        WriteException(IOException reason) {
            super(reason);
            this.reason = reason;
        }
    }
}
