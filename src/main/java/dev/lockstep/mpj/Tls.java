package dev.lockstep.mpj;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * A connection's bytes through the JDK's TLS 1.3. Each side shows the certificate whose sum the other has been told, and takes
 * no other. One thread reads at a time; writing is for one at a time as well, and both go together.
 */
final class Tls implements ByteChannel {
    private static final int HEADER = 5; // of a record, which ends with the length of what follows
    private static final int RECORDS = 4; // that go in one call of the system
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SocketChannel channel;
    private final SSLEngine engine;
    private final ByteBuffer netIn;
    private final ByteBuffer plain; // what was decrypted and has found no room
    private final ByteBuffer netOut; // to be written, under its monitor
    private final int packet;
    private final int record;

    private Tls(SocketChannel channel, SSLEngine engine) {
        this.channel = channel;
        this.engine = engine;
        packet = engine.getSession().getPacketBufferSize();
        record = engine.getSession().getApplicationBufferSize();
        netIn = ByteBuffer.allocate(RECORDS * packet).flip();
        plain = ByteBuffer.allocate(record).flip();
        netOut = ByteBuffer.allocate(RECORDS * packet).flip();
    }

    /**
     * Over a connection that is new and waits for its bytes; the socket's time-out holds.
     *
     * @param own    this rank's
     * @param sum    of the other's certificate
     * @param caller whether this side has called the other
     * @throws IOException when the other side is not who has that certificate
     */
    static Tls open(SocketChannel channel, Certificate own, String sum, boolean caller) throws IOException {
        SSLEngine engine;
        try {
            SSLContext context = SSLContext.getInstance("TLSv1.3");
            context.init(own.keys(), new TrustManager[]{new OneCertificate(sum)}, null);
            engine = context.createSSLEngine();
        } catch (GeneralSecurityException e) {
            throw new IOException("this JDK has no TLS 1.3: " + e.getMessage(), e);
        }
        engine.setEnabledProtocols(new String[]{"TLSv1.3"});
        engine.setEnabledCipherSuites(new String[]{"TLS_AES_128_GCM_SHA256"});
        engine.setUseClientMode(caller);
        engine.setNeedClientAuth(!caller);
        Tls tls = new Tls(channel, engine);
        tls.shakeHands();
        return tls;
    }

    private void shakeHands() throws IOException {
        Socket socket = channel.socket();
        InputStream in = socket.getInputStream();
        engine.beginHandshake();
        HandshakeStatus status = engine.getHandshakeStatus();
        while (status != HandshakeStatus.FINISHED && status != HandshakeStatus.NOT_HANDSHAKING) {
            if (status == HandshakeStatus.NEED_TASK) {
                runTasks();
                status = engine.getHandshakeStatus();
            } else if (status == HandshakeStatus.NEED_WRAP) {
                netOut.clear();
                status = engine.wrap(NOTHING, netOut).getHandshakeStatus();
                netOut.flip();
                socket.getOutputStream().write(netOut.array(), 0, netOut.limit());
                netOut.position(netOut.limit());
            } else {
                plain.clear();
                SSLEngineResult result = engine.unwrap(netIn, plain);
                plain.flip();
                if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                    readRecord(in);
                } else if (result.getStatus() == Status.CLOSED) {
                    throw new EOFException("the other side has closed the connection");
                }
                if (!netIn.hasRemaining()) {
                    netIn.position(0).limit(0);
                }
                status = result.getHandshakeStatus();
            }
        }
    }

    /** And not a byte more: what follows the handshake is for the thread that reads, which is told by the socket alone. */
    private void readRecord(InputStream in) throws IOException {
        int at = netIn.limit();
        int missing = (at < HEADER ? HEADER : HEADER + netIn.getShort(HEADER - Short.BYTES)) - at;
        netIn.limit(at + missing);
        if (in.readNBytes(netIn.array(), at, missing) < missing) {
            throw new EOFException("the other side does not take this one's certificate");
        }
    }

    private void runTasks() {
        for (Runnable task; (task = engine.getDelegatedTask()) != null;) {
            task.run();
        }
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        int before = into.position();
        while (true) {
            put(into);
            if (!into.hasRemaining()) {
                return into.position() - before;
            }
            boolean direct = into.remaining() >= record;
            SSLEngineResult result;
            if (direct) {
                result = engine.unwrap(netIn, into);
            } else {
                plain.clear();
                result = engine.unwrap(netIn, plain);
                plain.flip();
            }
            answer(result.getHandshakeStatus());
            int count = 1;
            if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                netIn.compact();
                count = channel.read(netIn);
                netIn.flip();
            } else if (result.getStatus() == Status.CLOSED) {
                count = -1;
            }
            if (count <= 0) {
                int read = into.position() - before;
                return read > 0 ? read : count;
            }
        }
    }

    private void put(ByteBuffer into) {
        int count = Math.min(plain.remaining(), into.remaining());
        into.put(into.position(), plain, plain.position(), count).position(into.position() + count);
        plain.position(plain.position() + count);
    }

    /** Keys are changed after many gigabytes; whoever reads says so to the other side. */
    private void answer(HandshakeStatus status) throws IOException {
        if (status == HandshakeStatus.NEED_TASK) {
            runTasks();
        } else if (status == HandshakeStatus.NEED_WRAP) {
            synchronized (netOut) {
                if (flush()) { // else with what is written next
                    wrap(NOTHING);
                    boolean unused = flush();
                }
            }
        }
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int before = from.position();
        synchronized (netOut) {
            while (flush() && from.hasRemaining()) {
                while (from.hasRemaining() && netOut.capacity() - netOut.limit() >= packet) {
                    wrap(from);
                }
            }
        }
        return from.position() - before;
    }

    /** Behind what is to be written already. */
    private void wrap(ByteBuffer from) throws IOException {
        int position = netOut.position();
        netOut.position(netOut.limit()).limit(netOut.capacity());
        Status status = engine.wrap(from, netOut).getStatus();
        netOut.limit(netOut.position()).position(position);
        if (status == Status.CLOSED) {
            throw new IOException("the connection is closed");
        }
    }

    /** @return whether all has been written */
    boolean flush() throws IOException {
        synchronized (netOut) {
            while (netOut.hasRemaining() && channel.write(netOut) > 0) {
                // as much as it takes
            }
            if (netOut.hasRemaining()) {
                return false;
            }
            netOut.position(0).limit(0);
            return true;
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Takes the certificate with this sum from either side, and no other. */
    private static final class OneCertificate extends X509ExtendedTrustManager {
        private final String sum;

        private OneCertificate(String sum) {
            this.sum = sum;
        }

        private void check(X509Certificate... chain) throws CertificateException {
            try {
                if (!Certificate.sum(chain[0]).equals(sum)) {
                    throw new CertificateException("it is not the certificate of this rank");
                }
            } catch (GeneralSecurityException e) {
                throw e instanceof CertificateException why ? why : new CertificateException(e);
            }
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            check(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            check(chain);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            check(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            check(chain);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            check(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            check(chain);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
