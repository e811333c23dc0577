#!/usr/bin/perl
# A service of XML::Atom that asks for WSSE and answers JSON; it keeps the nonces it has seen beside the script and takes none twice.
# WSSE_USER and WSSE_PASSWORD name whom it knows, WSSE_NONCES the folder of the nonces.
package Entry;
use strict;
use warnings;
use base qw( XML::Atom::Server );
use Digest::SHA qw( sha1_hex );
use Fcntl;

sub password_for_user {
    my ($server, $user) = @_;
    return $user eq $ENV{WSSE_USER} ? $ENV{WSSE_PASSWORD} : undef;
}

sub handle_request {
    my $server = shift;
    $server->authenticate or return;
    my $seen = "$ENV{WSSE_NONCES}/" . sha1_hex($server->get_auth_info->{Nonce});
    sysopen(my $file, $seen, O_CREAT | O_EXCL | O_WRONLY)
        or return $server->auth_failure(403, 'Replayed nonce');
    $server->response_content_type('application/json');
    return '{"orders":[{"id":1}]}';
}

package main;
Entry->new->run;
