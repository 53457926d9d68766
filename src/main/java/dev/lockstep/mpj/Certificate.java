package dev.lockstep.mpj;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.HexFormat;

import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/**
 * A key that lives as long as this rank, and a certificate of it, signed by itself, that says nothing: whose it is the others
 * know from its sum, which comes to them over the launcher's sealed links. The JDK makes no certificates, so its few fields
 * are put together here (RFC 5280, version 1).
 */
final class Certificate {
    private static final int SEQUENCE = 0x30;
    private static final int SET = 0x31;
    private static final int INTEGER = 0x02;
    private static final int BIT_STRING = 0x03;
    private static final int OBJECT = 0x06;
    private static final int TEXT = 0x0c;
    private static final int TIME = 0x17;
    private static final byte[] ECDSA_WITH_SHA256 = HexFormat.of().parseHex("2a8648ce3d040302");
    private static final byte[] COMMON_NAME = HexFormat.of().parseHex("550403");

    private final KeyManager[] keys;
    private final String sum;

    private Certificate(KeyManager[] keys, String sum) {
        this.keys = keys;
        this.sum = sum;
    }

    /** A new one. */
    static Certificate create() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair pair = generator.generateKeyPair();
            X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(encode(pair)));
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            char[] none = {};
            store.setKeyEntry("rank", pair.getPrivate(), none, new X509Certificate[]{certificate});
            KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
            factory.init(store, none);
            return new Certificate(factory.getKeyManagers(), sum(certificate));
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("this JDK makes no keys for --encrypt: " + e.getMessage(), e);
        }
    }

    KeyManager[] keys() {
        return keys;
    }

    /** SHA-256, in hexadecimal. */
    String sum() {
        return sum;
    }

    static String sum(X509Certificate certificate) throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    }

    private static byte[] encode(KeyPair pair) throws GeneralSecurityException {
        byte[] algorithm = der(SEQUENCE, der(OBJECT, ECDSA_WITH_SHA256));
        byte[] name = der(SEQUENCE,
                der(SET, der(SEQUENCE, der(OBJECT, COMMON_NAME), der(TEXT, ascii("lockstep rank")))));
        // hosts' clocks may say anything: the key ends with its process
        byte[] always = der(SEQUENCE, der(TIME, ascii("000101000000Z")), der(TIME, ascii("491231235959Z")));
        byte[] content = der(SEQUENCE, der(INTEGER, new byte[]{1}), algorithm, name, always, name,
                pair.getPublic().getEncoded());
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(pair.getPrivate());
        signature.update(content);
        return der(SEQUENCE, content, algorithm, der(BIT_STRING, new byte[]{0}, signature.sign()));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Tag, length and content. */
    private static byte[] der(int tag, byte[]... parts) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(tag);
        int length = content.size();
        if (length >= 0x100) {
            all.write(0x82);
            all.write(length >> 8);
        } else if (length >= 0x80) {
            all.write(0x81);
        }
        all.write(length);
        all.writeBytes(content.toByteArray());
        return all.toByteArray();
    }
}
