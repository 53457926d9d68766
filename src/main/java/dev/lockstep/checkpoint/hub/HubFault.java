package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;

import javax.net.ssl.SSLException;

import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;

/** Why the hub gives no model, in a sentence that says what to do. */
final class HubFault {
    private HubFault() {}

    /** Of an answer that is none. */
    static UsageException of(ModelName name, HubEnvironment environment, HubClient.Reply reply) {
        String code = reply.first("x-error-code").orElse("");
        String message = reply.first("x-error-message").orElse("");
        URI hub = environment.endpoint();
        String page = hub + "/" + name.id();
        String source = environment.token().map(HubEnvironment.Token::source).orElse("");
        if (code.equals("GatedRepo")) {
            return new UsageException(source.isEmpty()
                    ? name + " is gated: ask for access on " + page
                            + ", then give your account's token, as HF_TOKEN=hf_..."
                            + " before the command or with hf auth login"
                    : name + " is gated, and the account of the token from " + source
                            + " has no access to it: ask for it"
                            + " on " + page);
        }
        if (code.equals("RevisionNotFound")) {
            return new UsageException(
                    name.id() + " has no revision " + name.revision() + ": its branches and tags are on " + page
                            + "/tree/main");
        }
        if (code.equals("EntryNotFound")) {
            return new UsageException(
                    hub + " lists a file of " + name + " that it does not have: try again, and if that"
                            + " does not help, another revision, as in " + name.id() + "@main");
        }
        if (message.equals("Access to this resource is disabled.")) {
            return new UsageException(name + " is disabled on " + hub + ": take another model");
        }
        int status = reply.status();
        if (status == 401 && !source.isEmpty() && !code.equals("RepoNotFound")) {
            return new UsageException(hub + " does not take the token from " + source
                    + ": give one that is valid, or none for a public model");
        }
        if (status == 401 || status == 404) {
            return new UsageException(name.id() + " is neither a directory here nor a model on " + hub
                    + (source.isEmpty()
                            ? ", or a private one: check the name; for a private model give a token in HF_TOKEN"
                            : " that the token from " + source + " may read: check the name and the token"));
        }
        if (status == 403) {
            return new UsageException(hub + " does not let " + (source.isEmpty()
                    ? "anyone without a token"
                    : "the token from " + source) + " read " + name + " (403): look at " + page);
        }
        return new UsageException(hub + " answers " + status + " when asked for " + name
                + ": check HF_ENDPOINT and the proxy, or try again later");
    }

    /** Why a host gives no answer, as the rest of a sentence. */
    static String reason(IOException failure) {
        if (failure instanceof UnknownHostException
                || failure instanceof ConnectException && failure.getCause() instanceof UnresolvedAddressException
                || failure.getCause()instanceof ConnectException inner
                        && inner.getCause() instanceof UnresolvedAddressException) {
            return "its name is not known here";
        }
        if (failure instanceof HttpTimeoutException) {
            return "it does not answer";
        }
        if (failure instanceof SSLException) {
            return "its certificate is not trusted by this Java (LOCKSTEP_JAVA_OPTS=-Djavax.net.ssl.trustStore=FILE names"
                    + " others): " + failure.getMessage();
        }
        if (failure instanceof ConnectException && failure.getMessage() == null) {
            return "connection refused";
        }
        return IoReason.of(failure);
    }
}
